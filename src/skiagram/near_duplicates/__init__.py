"""Images that show the same, also mirrored, turned, cropped, inverted or compressed.

What comes in is a sequence of images that are read one at a time (`ImageSequence`). What goes out
are `Pairs`: places in the sequence, how alike they are, and what was done to the copy. No label is
read, nothing is dropped, and nothing of the pipeline is known: the room can be used by itself.

>>> import numpy as np
>>> from scipy.ndimage import gaussian_filter
>>> from skiagram.near_duplicates.search import find_copies
>>> class Images(list):
...     def __iter__(self):
...         return ((str(place), self[place]) for place in range(len(self)))
...     def image_at(self, place):
...         return self[place]
>>> noise = np.random.default_rng(0).normal(size=(40, 64, 64))
>>> images = Images(gaussian_filter(each, 2).astype(np.float32) for each in noise)
>>> images[7] = images[30][:, ::-1]
>>> images[9] = images[4] * 2 + 1
>>> found = find_copies(images)
>>> [*zip(found.first.tolist(), found.second.tolist(), found.kind.tolist())]
[(4, 9, 'near duplicate'), (7, 30, 'mirrored')]
"""
