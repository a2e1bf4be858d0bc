"""Images that show the same.

Images become pairs that are alike, also mirrored, turned, cropped or compressed; nothing is
dropped here, and no label is read.
"""
