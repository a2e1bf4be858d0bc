"""Tests of `skiagram.models.combined`."""
