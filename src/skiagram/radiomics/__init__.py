"""Features of images at hand, under the names of the IBSI or of PyRadiomics.

What comes in are arrays, images of SimpleITK or files, with masks and, if wanted, PyRadiomics'
parameter file. What goes out are named features. Nothing is learned from other images, and nothing
of the pipeline is known: the room stands on `readers` and `features` alone.

>>> import numpy as np
>>> from skiagram.radiomics.features import extract
>>> image = np.add.outer(np.arange(12.0), np.arange(12.0) ** 2)
>>> features = extract(image, image > 60, bin_count=16, families=["glcm"], names="pyradiomics")
>>> round(features["original_glcm_Contrast"], 3)
15.157
"""
