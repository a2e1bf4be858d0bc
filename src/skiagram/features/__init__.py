"""Feature families, one file a family: arrays become named, finite numbers.

What comes in is a `FeatureBatch`: equally sized images or volumes, regions and distances of voxels.
What goes out is an array, a row an image and a column a feature; `definitions` says what each of
them means. No store, case or label is known here, and nothing of the pipeline: the room can be used
by itself.

>>> import numpy as np
>>> from skiagram.features.batch import FeatureBatch
>>> from skiagram.features.first_order import FirstOrder
>>> images = np.arange(2 * 5 * 6, dtype=np.float32).reshape(2, 5, 6)
>>> family = FirstOrder(region="whole")
>>> values = family.extract(FeatureBatch(images))
>>> values.shape, family.names()[0], values[:, 0].tolist()
((2, 20), 'first_order_mean', [14.5, 44.5])
>>> family.definitions()[0].meaning
'Mean intensity.'
"""
