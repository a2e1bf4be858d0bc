"""Filters whose responses are described in place of the image (IBSI manual, chapter 2)."""
