"""What MIRP calls the features, a file a family: tests/features/test_mirp.py compares them.

NAMES: feature -> MIRP's name; what tells distance, aggregation and discretisation may be left off.
ATOL, optional: feature -> absolute tolerance where it passes through 0; a comment says why.
UNDEFINED, optional: feature -> its value and MIRP's where the manual's formula divides by 0.
"""
