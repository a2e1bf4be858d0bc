"""Radiomics features in Python: of one image, and as a step of a scikit-learn pipeline."""

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from joblib import Parallel, delayed
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from skiagram.arrays import Floats
from skiagram.doors import in_words_of
from skiagram.errors import DataError, SkiagramError, refusal
from skiagram.radiomics.extraction import describe
from skiagram.radiomics.images import as_case, case_of_files
from skiagram.radiomics.settings import ExtractionPlan, Names, Parameters, make_plan

_in_python = partial(in_words_of, "skiagram.extract")

if TYPE_CHECKING:
    from skiagram.readers.case_images import ImageReference


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
        raise error.rephrased(_in_python) from error


def describe_with(
    plan: ExtractionPlan,
    image: Any,
    mask: Any,
    spacing: Sequence[float] | None = None,
    label: int | None = None,
) -> dict[str, float]:
    """Describe the features of one image by a plan that is made once; None for the plan's label."""
    label = plan.settings.label if label is None else label
    return describe(as_case(image, mask, spacing, label, plan), plan)


def describe_files(
    plan: ExtractionPlan,
    folder: Path,
    reference: "ImageReference",
    spacing: Sequence[float] | None = None,
) -> dict[str, float]:
    """Describe the features of an image and its region in files, named relative to a folder."""
    if reference.label_value is None and reference.region is None:
        reference = replace(reference, label_value=plan.settings.label)
    return describe(case_of_files(folder, reference, spacing, plan), plan)


class RadiomicsFeatures(TransformerMixin, BaseEstimator):  # type: ignore[misc] # untyped
    """Radiomics features as a step of a scikit-learn pipeline; nothing is learned.

    X is an array of images (n, height, width) or volumes (n, depth, height, width); or a list of
    images, or of pairs (image, mask), each as `extract` takes them; or a data frame with the
    columns `Image`, `Mask` and, where masks have several labels, `Label`.

    >>> import numpy as np, skiagram
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.model_selection import cross_val_score
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> noise = np.random.default_rng(0).normal(size=(40, 16, 16))
    >>> label = np.arange(40) % 2
    >>> noise[label == 1] += np.roll(noise[label == 1], 1, axis=2)  # smoother
    >>> step = skiagram.RadiomicsFeatures(families=["glcm"], bin_count=16)
    >>> model = make_pipeline(step, StandardScaler(), LogisticRegression())
    >>> bool(cross_val_score(model, noise, label, scoring="roc_auc").mean() > 0.9)
    True

    Attributes:
        spacing: Distances along the axes of arrays, mm; volumes need them.
        label: Value of the regions' voxels; None for all that is not 0.
        names: `ibsi`, `pyradiomics` or None; this and the following as for `extract`.
        families: Feature families; None for all.
        bin_width: Width of the bins of grey levels.
        bin_count: Number of bins in place of a width.
        resampled_spacing: Wanted distances of slices, rows and columns, mm.
        parameters: PyRadiomics' parameter file, or its content.
        n_jobs: Images at a time; None for one, −1 for as many as there are processors.
    """

    def __init__(
        self,
        *,
        spacing: Sequence[float] | None = None,
        label: int | None = None,
        names: Names | None = None,
        families: Sequence[str] | str | None = None,
        bin_width: float | None = None,
        bin_count: int | None = None,
        resampled_spacing: Sequence[float] | None = None,
        parameters: Parameters | None = None,
        n_jobs: int | None = None,
    ) -> None:
        self.spacing = spacing
        self.label = label
        self.names = names
        self.families = families
        self.bin_width = bin_width
        self.bin_count = bin_count
        self.resampled_spacing = resampled_spacing
        self.parameters = parameters
        self.n_jobs = n_jobs

    def fit(self, X: Any, y: Any = None) -> Self:  # noqa: N803 - scikit-learn's name
        """Look at the first image for the names of the features; nothing is learned."""
        plan = self._plan()
        for remark in plan.remarks:
            warnings.warn(remark, stacklevel=2)
        first = next(_cases(X), None)
        if first is None:
            raise refusal("radiomics.no_image")
        self.with_masks_ = first[2] is not None
        self.feature_names_ = np.array(list(self._describe(plan, first)), dtype=object)
        return self

    def transform(self, X: Any) -> Floats:  # noqa: N803
        """Return (n, n_features)."""
        check_is_fitted(self, "feature_names_")
        # compiled loops let other threads run
        spread = Parallel(n_jobs=self.n_jobs, prefer="threads")
        work = delayed(partial(self._describe, self._plan()))
        rows: list[dict[str, float]] = spread(map(work, _cases(X)))
        for number, row in enumerate(rows):
            if list(row) != list(self.feature_names_):
                raise refusal(
                    "radiomics.other_features",
                    number=number,
                    present=len(row),
                    expected=len(self.feature_names_),
                )
        return np.array([list(row.values()) for row in rows], dtype=np.float64)

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[Any]:
        check_is_fitted(self, "feature_names_")
        return self.feature_names_

    def __sklearn_tags__(self) -> Any:
        """Tell scikit-learn that X need not be a table of numbers."""
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.input_tags.three_d_array = True
        tags.no_validation = True
        return tags

    def _plan(self) -> ExtractionPlan:
        return make_plan(
            self.parameters,
            names=self.names,
            families=self.families,
            bin_width=self.bin_width,
            bin_count=self.bin_count,
            resampled_spacing=self.resampled_spacing,
        )

    def _describe(
        self, plan: ExtractionPlan, case: tuple[int, Any, Any, int | None]
    ) -> dict[str, float]:
        number, image, mask, label = case
        if (mask is not None) != self.with_masks_:
            raise refusal(
                "radiomics.mask_unlike_first",
                f"image {number}",
                article="a" if mask is not None else "no",
            )
        mask_label = self.label if label is None else label
        try:
            return describe_with(plan, image, mask, self.spacing, mask_label)
        except DataError as error:
            error.where = f"image {number}"
            raise error.rephrased(_in_python) from error


def _cases(cases: Any) -> Iterator[tuple[int, Any, Any, int | None]]:
    """Yield number, image, mask and label of each case."""
    if hasattr(cases, "columns"):
        missing = {"Image", "Mask"} - set(cases.columns)
        if missing:
            raise refusal("radiomics.no_column", column=min(missing))
        labels = cases["Label"].tolist() if "Label" in cases.columns else [None] * len(cases)
        rows = zip(cases["Image"].tolist(), cases["Mask"].tolist(), labels, strict=True)
        for number, (image, mask, label) in enumerate(rows):
            empty = mask is None or str(mask) == "" or (isinstance(mask, float) and np.isnan(mask))
            unlabelled = label is None or label != label  # NaN, of an empty cell
            yield number, image, None if empty else mask, None if unlabelled else int(label)
        return
    for number, case in enumerate(cases):
        pair = isinstance(case, tuple) and len(case) == 2
        image, mask = case if pair else (case, None)
        yield number, image, mask, None
