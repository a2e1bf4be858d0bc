"""Bytes of files become images with their grids, and masks; a file a format."""
