"""Small volumes as files: NIfTI, NRRD, MetaImage, DICOM series, structure sets, segmentations."""

from io import BytesIO
from itertools import chain, repeat

import nibabel
import numpy as np
import pydicom
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, generate_uid

from skiagram.readers.grid import VoxelGrid

SHAPE = (4, 5, 6)
SPACING = (3.0, 0.8, 0.9)
ORIGIN = (-10.0, 20.0, 5.5)
GRID = VoxelGrid(SHAPE, SPACING, ORIGIN, ((0.0, 0.0, 1.0), (0.0, 1.0, 0.0), (1.0, 0.0, 0.0)))
VALUES = np.arange(np.prod(SHAPE), dtype=np.int16).reshape(SHAPE) - 40


def nifti_bytes(voxels, grid=GRID, *, units=2):
    """A NIfTI file of (depth, height, width) values; its axes are x, y, z."""
    affine = np.eye(4)
    affine[:3, :3] = grid.steps()[::-1].T
    affine[:3, 3] = grid.origin
    affine[:2] *= -1
    image = nibabel.Nifti1Image(voxels.transpose(2, 1, 0), affine)
    image.header["xyzt_units"] = units
    return bytes(image.to_bytes())


def series_files(voxels=VALUES, grid=GRID, series="1.2.3", **fields):
    """One DICOM file a slice, in the order of the array."""
    files = []
    for depth, plane in enumerate(voxels):
        dataset = _dataset("1.2.840.10008.5.1.4.1.1.2")
        dataset.Modality = "CT"
        dataset.SeriesInstanceUID = series
        dataset.ImagePositionPatient = _position(grid, depth)
        dataset.ImageOrientationPatient = [*grid.direction[2], *grid.direction[1]]
        dataset.PixelSpacing = [grid.spacing[1], grid.spacing[2]]
        put_pixels(dataset, plane.astype("<i2"))
        dataset.RescaleSlope, dataset.RescaleIntercept = "1", "0"
        for name, value in fields.items():
            setattr(dataset, name, value)
        files.append((f"slice-{depth}.dcm", written(dataset)))
    return files


def structure_set(contours, *kinds, frame_of_reference="1.2"):
    """An RTSTRUCT of named regions, each some contours of (n, 3) coordinates in mm.

    They are closed, but for those that `kinds` names, from the first one on.
    """
    dataset = _dataset("1.2.840.10008.5.1.4.1.1.481.3")
    dataset.Modality = "RTSTRUCT"
    names, drawn = [], []
    for number, (name, polygons) in enumerate(contours.items(), start=1):
        frame = {"ReferencedFrameOfReferenceUID": frame_of_reference}
        names.append(item(ROINumber=number, ROIName=name, **frame))
        of_region = [
            item(
                ContourGeometricType=kind,
                NumberOfContourPoints=len(points),
                ContourData=[f"{value:.4f}" for value in points.ravel()],
            )
            for kind, points in zip(chain(kinds, repeat("CLOSED_PLANAR")), polygons, strict=False)
        ]
        drawn.append(item(ReferencedROINumber=number, ContourSequence=of_region))
    dataset.StructureSetROISequence, dataset.ROIContourSequence = names, drawn
    return written(dataset)


def segmentation(masks, grid=GRID, **measures_of):
    """A SEG of named segments; slices in which a segment is empty have no frame."""
    frames, planes = [], []
    for number, mask in enumerate(masks.values(), start=1):
        for depth in np.flatnonzero(mask.any(axis=(1, 2))).tolist():
            frames.append(_frame(grid, depth))
            frames[-1].SegmentIdentificationSequence = _of_segment(number)
            planes.append(mask[depth])
    dataset = _segments(masks, frames, planes)
    dataset.FrameOfReferenceUID = "1.2"
    dataset.SharedFunctionalGroupsSequence = [_shared(grid, **measures_of)]
    return written(dataset)


def segmentation_of_film(masks, *images):
    """Return a SEG of plane images; segment → mask, one that is empty has no frame."""
    drawn = [number for number, mask in enumerate(masks.values(), start=1) if mask.any()]
    frames = [item(SegmentIdentificationSequence=_of_segment(number)) for number in drawn]
    for frame in frames if images else ():
        named = [item(ReferencedSOPInstanceUID=image) for image in images]
        frame.DerivationImageSequence = [item(SourceImageSequence=named)]
    return written(_segments(masks, frames, [mask for mask in masks.values() if mask.any()]))


def _of_segment(number):
    return [item(ReferencedSegmentNumber=number)]


def _segments(names, frames, planes):
    """Return a SEG of named segments, with what is said of each frame and its pixels."""
    dataset = _dataset("1.2.840.10008.5.1.4.1.1.66.4")
    dataset.Modality, dataset.SegmentationType = "SEG", "BINARY"
    numbered = enumerate(names, start=1)
    dataset.SegmentSequence = [item(SegmentNumber=at, SegmentLabel=name) for at, name in numbered]
    dataset.PerFrameFunctionalGroupsSequence = frames
    put_pixels(dataset, np.array(planes))
    return dataset


def cine(frames):
    """Return a loop of ultrasound, whose frames have no place in the patient."""
    dataset = _dataset("1.2.840.10008.5.1.4.1.1.3.1")
    dataset.Modality, dataset.PixelSpacing = "US", [0.5, 0.5]
    put_pixels(dataset, frames)
    return written(dataset)


def enhanced_file(voxels=VALUES, grid=GRID):
    """All slices in one enhanced multi-frame file, in reversed order."""
    (_, content), *_ = series_files(voxels, grid)
    dataset = pydicom.dcmread(BytesIO(content))
    for name in ("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing"):
        delattr(dataset, name)
    shared = _shared(grid)
    shared.PixelValueTransformationSequence = [item(RescaleSlope="1", RescaleIntercept="-5")]
    dataset.SharedFunctionalGroupsSequence = [shared]
    depths = reversed(range(len(voxels)))
    dataset.PerFrameFunctionalGroupsSequence = [_frame(grid, depth) for depth in depths]
    put_pixels(dataset, voxels[::-1].astype("<i2"))
    return written(dataset)


def _shared(grid, **measures):
    """What all frames of a file have in common."""
    spacing = [grid.spacing[1], grid.spacing[2]]
    return item(
        PixelMeasuresSequence=[item(PixelSpacing=spacing, **measures)],
        PlaneOrientationSequence=[
            item(ImageOrientationPatient=[*grid.direction[2], *grid.direction[1]])
        ],
    )


def _frame(grid, depth):
    return item(PlanePositionSequence=[item(ImagePositionPatient=_position(grid, depth))])


def _position(grid, depth):
    position = grid.positions(np.array([[float(depth), 0, 0]]))[0]
    return [f"{value:.6f}" for value in position]


def item(**fields):
    made = Dataset()
    for name, value in fields.items():
        setattr(made, name, value)
    return made


def put_pixels(dataset, stored):
    """Give a data set gray pixels, (height, width) or frames of them, and the fields of these."""
    dataset.Rows, dataset.Columns = stored.shape[-2:]
    if stored.ndim == 3:
        dataset.NumberOfFrames = len(stored)
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    binary = stored.dtype == np.bool_
    bits = 1 if binary else 8 * stored.itemsize
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = bits, bits, bits - 1
    dataset.PixelRepresentation = int(stored.dtype.kind == "i")
    pixels = np.packbits(stored.ravel(), bitorder="little") if binary else stored
    content = pixels.tobytes()
    dataset.PixelData = content + b"\0" * (len(content) % 2)


def written(dataset):
    stream = BytesIO()
    dataset.save_as(stream, enforce_file_format=True)
    return stream.getvalue()


def _dataset(kind):
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID = kind
    uid = generate_uid(entropy_srcs=[kind])
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID = uid
    return dataset
