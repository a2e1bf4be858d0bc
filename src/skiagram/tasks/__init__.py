"""What is predicted.

Classes, a time, a number, a grade or several findings: each file says its columns, folds, loss,
calibration, figures and words; a branch on the kind stands nowhere else, and no torch is imported.
`cases.py` is the table of cases with their labels.
"""
