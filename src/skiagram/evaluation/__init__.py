"""Scores in, figures and decisions out.

Predictions and labels become rows of figures with intervals by patient, and a verdict by fixed
rules; no model is trained here, and no image and no seal is opened.
"""
