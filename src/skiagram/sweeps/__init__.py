"""Rows of options over the steps.

An option file of a question becomes rows, one table of their figures and one page; no figure of
test cases chooses a row.
"""
