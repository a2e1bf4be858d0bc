"""Tests of the search for transformed copies."""
