"""Images on disk.

Images go in one by one and come out of mapped Arrow files without a copy; no pixel is changed.
"""
