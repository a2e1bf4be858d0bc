"""What people have becomes a data set.

Tables, names of files and annotations become rows and options of a data set, and each guess
becomes a sentence; no guess is silent, and no image is stored.
"""
