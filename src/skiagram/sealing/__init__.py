"""Labels under seal.

Labels of test cases go in at ingest and come out at evaluation, and each opening becomes a line of
the ledger; no other room decrypts or opens a label.
"""
