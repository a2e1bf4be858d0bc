"""What makes later figures untrustworthy.

Images, traits and labels of development cases become findings, one file a kind; no sealed label is
read, and no datum is changed.
"""
