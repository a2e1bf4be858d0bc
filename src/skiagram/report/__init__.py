"""Figures and the HTML page, made from evaluation's records."""
