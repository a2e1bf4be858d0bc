"""Radiomics features as a step of a scikit-learn pipeline, which is imported with it."""

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Self

import numpy as np
from joblib import Parallel, delayed
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from skiagram.arrays import Floats
from skiagram.errors import DataError, refusal
from skiagram.radiomics.features import describe_with, in_words_of_extract
from skiagram.radiomics.settings import ExtractionPlan, Names, Parameters, make_plan


@dataclass(kw_only=True, eq=False, repr=False)
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

    spacing: Sequence[float] | None = None
    label: int | None = None
    names: Names | None = None
    families: Sequence[str] | str | None = None
    bin_width: float | None = None
    bin_count: int | None = None
    resampled_spacing: Sequence[float] | None = None
    parameters: Parameters | None = None
    n_jobs: int | None = None

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
        """Compute the features of images, several at a time where `n_jobs` says so.

        Returns:
            (n, n_features) float64.

        Raises:
            DataError: An image cannot be read, or has other features than the first one.
        """
        check_is_fitted(self, "feature_names_")
        # compiled loops let other threads run
        parallel = Parallel(n_jobs=self.n_jobs, prefer="threads")
        work = delayed(partial(self._describe, self._plan()))
        rows: list[dict[str, float]] = parallel(map(work, _cases(X)))
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
        """Plan the extraction; options may have been set since the last time."""
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
        """Compute the features of one case, whose number stands in what is refused."""
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
            raise error.rephrased(in_words_of_extract) from error


def _cases(cases: Any) -> Iterator[tuple[int, Any, Any, int | None]]:
    """Yield number, image, mask and label of each case.

    Args:
        cases: A table with the columns `Image`, `Mask` and perhaps `Label`, as PyRadiomics reads
            it; or images, or pairs of image and mask.
    """
    if hasattr(cases, "columns"):
        missing = {"Image", "Mask"} - set(cases.columns)
        if missing:
            raise refusal("radiomics.no_column", column=min(missing))
        labels = cases["Label"].tolist() if "Label" in cases.columns else [None] * len(cases)
        rows = zip(cases["Image"].tolist(), cases["Mask"].tolist(), labels, strict=True)
        # An empty cell is no mask, or no label.
        for number, (image, mask, label) in enumerate(rows):
            empty = mask is None or str(mask) == "" or (isinstance(mask, float) and np.isnan(mask))
            unlabelled = label is None or label != label  # NaN, of an empty cell
            yield number, image, None if empty else mask, None if unlabelled else int(label)
        return
    for number, case in enumerate(cases):
        pair = isinstance(case, tuple) and len(case) == 2
        image, mask = case if pair else (case, None)
        yield number, image, mask, None
