"""Data sets that are generated.

A seed becomes images with labels, patients and folds; no image is stored here, and no file is read.
"""
