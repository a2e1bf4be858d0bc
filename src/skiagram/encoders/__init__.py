"""Frozen networks that others trained.

Images and verified weights become columns of numbers; no weight changes, no label is read, and a
file that holds more than tensors is refused.
"""
