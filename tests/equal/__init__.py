"""Eight small projects whose results are kept in git.

A rewrite that moves a figure shows it: `make equal` names the figure with its two values. An
intended change is one commit, which runs `python -m tests.equal --renew` and says why.
"""
