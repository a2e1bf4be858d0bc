"""The page, the checklists and the drawings.

The record of an evaluation becomes one HTML page, a module a section; no figure is computed from
labels here, and no decision is made.
"""
