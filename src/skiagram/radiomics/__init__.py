"""Features of images at hand, without a project.

Arrays or files, masks and a parameter file become named features, under the names of the IBSI or
of PyRadiomics; nothing is learned from other images.
"""
