"""What models look at.

Fits of the folds and development cases become importances, maps and tests of these maps; no sealed
case takes part.
"""
