"""Cleaning of single images.

Stored images become images without missing values, outliers or noise, on a common grid if asked;
no label is read.
"""
