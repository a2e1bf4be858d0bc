"""Data sets that are generated, and files as MedMNIST's.

A seed, or a file of arrays, becomes images with labels, patients and folds, a file a data set; no
image is stored here, and no table of a user is read.
"""
