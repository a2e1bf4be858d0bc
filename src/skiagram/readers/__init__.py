"""Bytes of files become images.

A file becomes pixels or voxels with their grid, or a mask, a format a module; no folder is
searched, and what has two readings is refused, not guessed.
"""
