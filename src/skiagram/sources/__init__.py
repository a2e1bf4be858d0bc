"""Data sets that are generated or published.

A data set's own files, or a seed, become images with labels, patients and folds, a file a data set;
no image is stored here, and no table of a user is read.
"""
