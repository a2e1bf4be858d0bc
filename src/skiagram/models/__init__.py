"""The contract of all models, folds and fits.

What a model reads of prepared data becomes scores, calibrations and fitted models; a fit never
meets a label outside its own training cases, and no torch is imported outside `deep`.
"""
