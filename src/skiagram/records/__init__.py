"""What stages hand to one another.

Frozen dataclasses become files and come back equal; no figure is computed.
"""
