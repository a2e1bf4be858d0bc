"""Rows of options over the steps.

A config of a question becomes rows, one table of their figures and one page; no figure of
test cases chooses a row.
"""
