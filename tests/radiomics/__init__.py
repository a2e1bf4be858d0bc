"""Tests of features of images that are at hand."""
