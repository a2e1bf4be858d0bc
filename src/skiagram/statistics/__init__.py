"""Figures with intervals, always by patient; arrays in, numbers out.

What comes in are NumPy arrays: scores, labels, times or values, and whose each of them is. What
goes out is an `Estimate`, a value with its 95 % interval, or a p value. No case, model or file is
known here, and nothing of the pipeline: the room can be used by itself.

>>> import numpy as np
>>> from skiagram.statistics.delong import auc_of_scores
>>> from skiagram.statistics.estimate import format_estimate
>>> random = np.random.default_rng(0)
>>> patient = np.arange(120) // 2  # two images each
>>> positive = patient % 2 == 0
>>> score = positive + random.normal(size=120)
>>> auc = auc_of_scores(score[None], positive, patient)
>>> format_estimate(auc.estimate())
'0.713 (0.60 to 0.80)'
"""
