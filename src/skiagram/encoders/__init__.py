"""Frozen networks that others trained: what they make of each image, as columns of numbers."""
