"""Builds the pages of `docs/reference` that are made from the code; git does not keep them."""
