"""Lesions to be found.

Images become places to look at, and marks become hits, false marks and the score of a case; no
label is read for a place, and no model is trained here.
"""
