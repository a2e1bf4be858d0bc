"""Fits, folds and the contract that all models keep.

What a model reads of prepared data becomes scores, calibrations and fitted models; a fit never
meets a label outside its own training cases, and no kind of model is known here.
"""
