"""Decisions at thresholds that were fixed on out-of-fold scores."""
