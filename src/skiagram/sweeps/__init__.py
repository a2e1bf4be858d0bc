"""Sweeps: rows of options over the steps of the pipeline, one table of their figures."""
