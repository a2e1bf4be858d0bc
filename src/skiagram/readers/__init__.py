"""Bytes of files become images.

A file, of a folder or an archive, becomes pixels or voxels with their grid, or a mask, a format a
module; what has two readings is refused, not guessed.
"""
