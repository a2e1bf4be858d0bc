"""Files become images: pixels or voxels with their grid, or a mask; a format a module.

What comes in are bytes, or files of a folder: DICOM, NIfTI, NRRD, MetaImage, TIFF, PNG, JPEG. What
goes out is a `SpacedImage`: values as ITK and pydicom give them, distances in mm, and the region of
a mask on the same voxels. What has two readings is refused with what to do, never guessed. Nothing
of the pipeline is known: the room can be used by itself.

>>> import tempfile
>>> from pathlib import Path
>>> import numpy as np, tifffile
>>> from skiagram.readers.case_images import ImageReference, decode_case
>>> from skiagram.readers.case_images import is_image_file, read_case_files
>>> from skiagram.readers.file_trees import FolderTree
>>> folder = Path(tempfile.mkdtemp())
>>> tifffile.imwrite(folder / "film.tif", np.arange(12, dtype=np.uint16).reshape(3, 4))
>>> tifffile.imwrite(folder / "mask.tif", np.eye(3, 4, dtype=np.uint8))
>>> reference = ImageReference("film.tif", ("mask.tif",))
>>> image = decode_case(read_case_files(FolderTree(folder, is_image_file), reference), reference)
>>> image.pixels[image.region.inside].tolist(), image.spacing
([0, 5, 10], None)
"""
