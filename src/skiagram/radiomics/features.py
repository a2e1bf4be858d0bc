"""Radiomics features in Python, of one image."""

import warnings
from collections.abc import Sequence
from functools import partial
from typing import Any

from skiagram.doors import in_words_of
from skiagram.errors import SkiagramError
from skiagram.radiomics.extraction import describe
from skiagram.radiomics.images import as_case
from skiagram.radiomics.settings import ExtractionPlan, Names, Parameters, make_plan

in_words_of_extract = partial(in_words_of, "skiagram.extract")


def extract(
    image: Any,
    mask: Any = None,
    spacing: Sequence[float] | None = None,
    *,
    label: int | None = None,
    names: Names | None = None,
    families: Sequence[str] | str | None = None,
    bin_width: float | None = None,
    bin_count: int | None = None,
    resampled_spacing: Sequence[float] | None = None,
    parameters: Parameters | None = None,
) -> dict[str, float]:
    """Return the radiomics features of one image in its region.

    >>> import numpy as np, skiagram
    >>> image = np.add.outer(np.arange(12.0), np.arange(12.0) ** 2)
    >>> features = skiagram.extract(image, image > 60, bin_count=16)
    >>> len(features), round(features["glcm_contrast"], 3)
    (138, 15.157)

    Args:
        image: (height, width), (depth, height, width), an image of SimpleITK, or the path of a
            NIfTI, NRRD, MetaImage, DICOM or picture file or of a folder with a DICOM series.
        mask: Of the same kind, on the same voxels; None for the whole image.
        spacing: Distances along the axes of an array, mm; a volume needs them, and a file of one
            that says none.
        label: Value of the region's voxels; None for all that is not 0, or for 1 under
            PyRadiomics' names.
        names: `ibsi`: this package's names and the definitions of the IBSI's reference manual;
            `pyradiomics`: the names and definitions of PyRadiomics. None for `pyradiomics` with
            `parameters`, else `ibsi`.
        families: Feature families, of `morphology`, `first_order`, `intensity_histogram`, `glcm`,
            `glrlm`, `glszm`, `gldzm`, `ngtdm`, `ngldm`; None for all, or those of `parameters`.
        bin_width: Width of the bins of grey levels, in intensity units; 25 if nothing is said.
        bin_count: Number of bins over the region's range, in place of a width.
        resampled_spacing: Wanted distances of slices, rows and columns, mm; 0 leaves an axis, such
            as the slices of a plane image.
        parameters: PyRadiomics' parameter file, or its content; single options go before it.

    Raises:
        DataError: Image, mask and spacing do not fit each other, or a feature is not defined.
        OptionError: An option that skiagram lacks.
    """
    plan = make_plan(
        parameters,
        names=names,
        families=families,
        bin_width=bin_width,
        bin_count=bin_count,
        resampled_spacing=resampled_spacing,
        label=label,
    )
    for remark in plan.remarks:
        warnings.warn(remark, stacklevel=2)
    try:
        return describe_with(plan, image, mask, spacing)
    except SkiagramError as error:
        raise error.rephrased(in_words_of_extract) from error


def describe_with(
    plan: ExtractionPlan,
    image: Any,
    mask: Any,
    spacing: Sequence[float] | None,
    label: int | None = None,
) -> dict[str, float]:
    """Describe the features of one image by a plan that is made once; None for the plan's label."""
    label = plan.settings.label if label is None else label
    return describe(as_case(image, mask, spacing, label, plan), plan)
