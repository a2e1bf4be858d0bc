"""Small volumes as files: NIfTI, NRRD, MetaImage, DICOM series, structure sets, segmentations."""

from io import BytesIO
from typing import Any

import nibabel
import numpy as np
import pydicom
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, generate_uid

from skiagram.datasets.volumes.grid import Grid

SHAPE = (4, 5, 6)
SPACING = (3.0, 0.8, 0.9)
ORIGIN = (-10.0, 20.0, 5.5)
GRID = Grid(SHAPE, SPACING, ORIGIN, ((0.0, 0.0, 1.0), (0.0, 1.0, 0.0), (1.0, 0.0, 0.0)))
VALUES = np.arange(np.prod(SHAPE), dtype=np.int16).reshape(SHAPE) - 40


def nifti_bytes(voxels: NDArray[Any], grid: Grid = GRID, *, units: int = 2) -> bytes:
    """A NIfTI file of (depth, height, width) values; its axes are x, y, z."""
    affine = np.eye(4)
    affine[:3, :3] = grid.steps()[::-1].T
    affine[:3, 3] = grid.origin
    affine[:2] *= -1
    image = nibabel.Nifti1Image(voxels.transpose(2, 1, 0), affine)
    image.header["xyzt_units"] = units
    return bytes(image.to_bytes())


def series_files(
    voxels: NDArray[Any] = VALUES, grid: Grid = GRID, series: str = "1.2.3", **fields: Any
) -> list[tuple[str, bytes]]:
    """One DICOM file a slice, in the order of the array."""
    files = []
    for depth, plane in enumerate(voxels):
        position = grid.positions(np.array([[float(depth), 0, 0]]))[0]
        dataset = _dataset("1.2.840.10008.5.1.4.1.1.2")
        dataset.Modality = "CT"
        dataset.SeriesInstanceUID = series
        dataset.ImagePositionPatient = [f"{value:.6f}" for value in position]
        dataset.ImageOrientationPatient = [*grid.direction[2], *grid.direction[1]]
        dataset.PixelSpacing = [grid.spacing[1], grid.spacing[2]]
        dataset.Rows, dataset.Columns = plane.shape
        dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
        dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 16, 16, 15
        dataset.PixelRepresentation = 1
        dataset.RescaleSlope, dataset.RescaleIntercept = "1", "0"
        dataset.PixelData = np.ascontiguousarray(plane, dtype="<i2").tobytes()
        for name, value in fields.items():
            setattr(dataset, name, value)
        files.append((f"slice-{depth}.dcm", written(dataset)))
    return files


def structure_set(
    contours: dict[str, list[NDArray[np.float64]]], *kinds: str, frame_of_reference: str = "1.2"
) -> bytes:
    """An RTSTRUCT of named regions, each some contours of (n, 3) coordinates in mm.

    They are closed, but for those that `kinds` names, from the first one on.
    """
    dataset = _dataset("1.2.840.10008.5.1.4.1.1.481.3")
    dataset.Modality = "RTSTRUCT"
    names, drawn = [], []
    for number, (name, polygons) in enumerate(contours.items(), start=1):
        item = Dataset()
        item.ROINumber, item.ROIName = number, name
        item.ReferencedFrameOfReferenceUID = frame_of_reference
        names.append(item)
        of_region = Dataset()
        of_region.ReferencedROINumber = number
        of_region.ContourSequence = []
        for at, points in enumerate(polygons):
            contour = Dataset()
            contour.ContourGeometricType = [*kinds, *["CLOSED_PLANAR"] * len(polygons)][at]
            contour.NumberOfContourPoints = len(points)
            contour.ContourData = [f"{value:.4f}" for value in points.ravel()]
            of_region.ContourSequence.append(contour)
        drawn.append(of_region)
    dataset.StructureSetROISequence, dataset.ROIContourSequence = names, drawn
    return written(dataset)


def segmentation(
    masks: dict[str, NDArray[np.bool_]], grid: Grid = GRID, **measures_of: float
) -> bytes:
    """A SEG of named segments; slices in which a segment is empty have no frame."""
    dataset = _dataset("1.2.840.10008.5.1.4.1.1.66.4")
    dataset.Modality, dataset.SegmentationType = "SEG", "BINARY"
    shared, measures, orientation = Dataset(), Dataset(), Dataset()
    measures.PixelSpacing = [grid.spacing[1], grid.spacing[2]]
    for name, distance in measures_of.items():
        setattr(measures, name, distance)
    dataset.FrameOfReferenceUID = "1.2"
    orientation.ImageOrientationPatient = [*grid.direction[2], *grid.direction[1]]
    shared.PixelMeasuresSequence = [measures]
    shared.PlaneOrientationSequence = [orientation]
    dataset.SharedFunctionalGroupsSequence = [shared]
    dataset.SegmentSequence, dataset.PerFrameFunctionalGroupsSequence = [], []
    planes = []
    for number, (name, mask) in enumerate(masks.items(), start=1):
        segment = Dataset()
        segment.SegmentNumber, segment.SegmentLabel = number, name
        dataset.SegmentSequence.append(segment)
        for depth in np.flatnonzero(mask.any(axis=(1, 2))):
            frame, reference, place = Dataset(), Dataset(), Dataset()
            reference.ReferencedSegmentNumber = number
            position = grid.positions(np.array([[float(depth), 0, 0]]))[0]
            place.ImagePositionPatient = [f"{value:.6f}" for value in position]
            frame.SegmentIdentificationSequence = [reference]
            frame.PlanePositionSequence = [place]
            dataset.PerFrameFunctionalGroupsSequence.append(frame)
            planes.append(mask[depth])
    stack = np.array(planes)
    dataset.NumberOfFrames, dataset.Rows, dataset.Columns = stack.shape
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 1, 1, 0
    dataset.PixelRepresentation = 0
    packed = np.packbits(stack.ravel(), bitorder="little").tobytes()
    dataset.PixelData = packed + b"\0" * (len(packed) % 2)
    return written(dataset)


def enhanced_file(voxels: NDArray[Any] = VALUES, grid: Grid = GRID) -> bytes:
    """All slices in one enhanced multi-frame file, in reversed order."""
    (_, content), *_ = series_files(voxels, grid)
    dataset = pydicom.dcmread(BytesIO(content))
    for name in ("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing"):
        delattr(dataset, name)
    shared, measures, orientation, values = Dataset(), Dataset(), Dataset(), Dataset()
    measures.PixelSpacing = [grid.spacing[1], grid.spacing[2]]
    orientation.ImageOrientationPatient = [*grid.direction[2], *grid.direction[1]]
    values.RescaleSlope, values.RescaleIntercept = "1", "-5"
    shared.PixelMeasuresSequence = [measures]
    shared.PlaneOrientationSequence = [orientation]
    shared.PixelValueTransformationSequence = [values]
    dataset.SharedFunctionalGroupsSequence = [shared]
    dataset.PerFrameFunctionalGroupsSequence = []
    for depth in reversed(range(len(voxels))):
        frame, place = Dataset(), Dataset()
        position = grid.positions(np.array([[float(depth), 0, 0]]))[0]
        place.ImagePositionPatient = [f"{value:.6f}" for value in position]
        frame.PlanePositionSequence = [place]
        dataset.PerFrameFunctionalGroupsSequence.append(frame)
    dataset.NumberOfFrames = len(voxels)
    dataset.PixelData = np.ascontiguousarray(voxels[::-1], dtype="<i2").tobytes()
    return written(dataset)


def written(dataset: Dataset) -> bytes:
    """The bytes of a DICOM file."""
    stream = BytesIO()
    dataset.save_as(stream, enforce_file_format=True)
    return stream.getvalue()


def _dataset(kind: str) -> Dataset:
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID = kind
    uid = generate_uid(entropy_srcs=[kind])
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID = uid
    return dataset
