"""The feature table of a whole store, made span by span wherever the work is done."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from zlib import crc32

import numpy as np
import pandas as pd

from skiagram.arrays import Floats, Singles
from skiagram.case_features.case_histories import CaseHistories
from skiagram.case_features.covariates import Covariates, tabulate_covariates
from skiagram.case_features.earlier import Earlier
from skiagram.case_features.measured import Measured
from skiagram.compute.progress import Progress
from skiagram.compute.workers import IN_PROCESS, Compute
from skiagram.errors import DataError, named, refusal
from skiagram.features.batch import FeatureBatch
from skiagram.features.family import FeatureFamily, families_of_images, reach_of
from skiagram.features.feature import Definition
from skiagram.image_store.store import ImageStore, Span, modality_folders, spans
from skiagram.images import complete_beyond
from skiagram.options import build
from skiagram.preparation import PREPARATION, Preparation
from skiagram.records.feature_table import FeatureTable
from skiagram.records.files import read_record

Family = FeatureFamily | Covariates | Earlier | Measured
_FAMILIES = "skiagram.features."  # a network's features have no meaning of their own


def build_families(families: Mapping[str, Mapping[str, object]]) -> list[Family]:
    """Return feature families by their names and options, in column order."""
    return [build(dict(options), f"features.{name}") for name, options in families.items()]


def feature_definitions(preparation: Preparation) -> tuple[Definition, ...]:
    """List the definitions of all features that were extracted from images."""
    families = [
        build(options, "preparation")
        for options in preparation.features
        if str(options.get("_target_")).startswith(_FAMILIES)
    ]
    return tuple(
        definition for family in families_of_images(families) for definition in family.definitions()
    )


def extract_modalities(
    images: Path,
    families: Sequence[Family],
    histories: CaseHistories | None = None,
    compute: Compute = IN_PROCESS,
) -> FeatureTable:
    """Compute the features of all modalities of a store; `extract` says how.

    Where cases have several images, features are called `<modality>.<feature>`.
    """
    folders = modality_folders(images)
    if len(folders) == 1:
        return extract(ImageStore(images), families, histories, compute, _margin(images))
    # Features of images, modality by modality, then what is known of the cases besides.
    image_families, tables = families_of_images(families), []
    for modality, folder in folders.items():
        store = ImageStore(folder)
        table = extract(store, image_families, None, compute, _margin(images, modality))
        names = tuple(f"{modality}.{name}" for name in table.names)
        tables.append(replace(table, names=names).of(np.array(ImageStore(images).case_ids)))
    first, *others = tables
    return join_histories(first.beside(*others), families, histories or CaseHistories())


_SPAN_VALUES = 2**19  # some tenths of a second of work
_BATCH_VALUES = 2**17  # intermediates of a batch then stay in a processor's cache


def extract(
    store: ImageStore,
    families: Sequence[Family],
    histories: CaseHistories | None = None,
    compute: Compute = IN_PROCESS,
    margin: float | None = None,
) -> FeatureTable:
    """Compute the features of all images of a store, and put chosen covariates beside them.

    Args:
        families: Chosen families; changes since earlier images come after the images' features,
            covariates last.
        histories: What else is known of the cases of the data set, of which the store may hold
            some; None for nothing.
        compute: Where the work is done; the values do not depend on it.
        margin: What restoration kept around the regions, mm; None for all of the images.

    Raises:
        DataError: Two families share a name, a family is not defined for an image, or a feature
            of it is not finite, or a case has no row of covariates; names the case.
        OptionError: A covariate is chosen that the data set lacks, or changes since earlier images
            where no patient has any.
    """
    image_families = families_of_images(families)
    names = tuple(name for family in image_families for name in family.names())
    values = np.empty((len(store.case_ids), len(names)), np.float32)
    if image_families:
        work, done = partial(_describe_span, image_families, margin), 0
        with Progress("extract", len(store)) as progress:
            for block in compute.map(work, spans(store, _SPAN_VALUES), releases_lock=True):
                values[done : done + len(block)] = block
                done += len(block)
                progress.advance(len(block))
    table = FeatureTable(np.array(store.case_ids), names, values)
    return join_histories(table, families, histories or CaseHistories())


def _margin(images: Path, modality: str = "") -> float | None:
    """Return what restoration kept around the regions of a modality, mm; None for all."""
    if not (images / PREPARATION).exists():
        return None
    return read_record(Preparation, images / PREPARATION).region_options(modality).get("margin")


def join_histories(
    table: FeatureTable, families: Sequence[Family], histories: CaseHistories
) -> FeatureTable:
    """Join the features of images with changes, covariates and measurements of their cases."""
    covariates = histories.covariates
    if covariates is None:
        covariates = pd.DataFrame({"case_id": table.case_id})
    visit_families = [family for family in families if isinstance(family, Earlier)]
    if visit_families and not histories.previous:
        raise refusal("case_features.no_earlier_image")
    changes = [family.encode(table, histories.previous) for family in visit_families]
    if histories.described is None:
        encoded = [
            family.encode(covariates, histories.patients)
            for family in families
            if isinstance(family, Covariates)
        ]
    else:
        encoded = [tabulate_covariates(covariates, histories.described)]
    covariate_tables = [each.of(table.case_id) for each in encoded]
    measured = histories.measured
    if measured is None:
        measured = pd.DataFrame({"case_id": table.case_id})
    case_tables = [
        family.encode(measured).of(table.case_id)
        for family in families
        if isinstance(family, Measured)
    ]
    joined = table.beside(*case_tables, *changes, *covariate_tables)
    if len(set(joined.names)) != len(joined.names):
        raise refusal("case_features.doubled_column")
    return joined


def _describe_span(families: Sequence[FeatureFamily], margin: float | None, span: Span) -> Singles:
    span.check()
    blocks = []
    for run in span.runs(_BATCH_VALUES):
        images = np.array(run.images, dtype=np.float32)
        missing = ~np.isfinite(images.reshape(len(images), -1)).all(axis=1)
        for row in np.flatnonzero(missing).tolist():
            case = run.case_ids[row]
            if not run.regions:
                raise refusal("case_features.missing_pixels", case)
            with named(case):
                # pixels that are missing farther away than a family looks get a value
                drawn = run.regions[row].drawn
                voxels = images[row].reshape(drawn.shape)
                spacing = np.nan_to_num(run.spacing[row], nan=1.0)
                reach = np.minimum(reach_of(families, spacing), max(drawn.shape))
                beyond = reach.astype(np.int64).tolist() if reach.any() else []
                voxels[:] = complete_beyond(voxels, drawn, beyond, (slice(None),) * drawn.ndim)
        batch = FeatureBatch(images, spacing=run.spacing)
        if run.regions:
            inside = np.stack([region.inside for region in run.regions])
            outlines = np.stack([region.drawn for region in run.regions])
            batch = replace(batch, masks=inside, outlines=outlines, margin=margin)
        blocks.append(describe_batch(families, run.case_ids, batch))
    return np.vstack(blocks)


def describe_batch(
    families: Sequence[FeatureFamily], ids: Sequence[str], batch: FeatureBatch
) -> Singles:
    """Compute (n, n_features) of the images; where a value is not finite, name its case.

    Raises:
        DataError: A family refuses a case.
        OptionError: A family breaks its contract: it changed the images, which families after it
            read, or its features are not those that it names.
    """
    unchanged, blocks = crc32(np.ascontiguousarray(batch.images).data), []
    for family in families:
        blocks.append(_extract_family(family, ids, batch))
        # What a family of somebody's own may get wrong.
        name, shape = type(family).__name__, np.shape(blocks[-1])
        expected = (len(batch), len(family.names()))
        if crc32(np.ascontiguousarray(batch.images).data) != unchanged:
            raise refusal("case_features.changed_images", family=name)
        if shape != expected:
            key = "case_features.other_shape"
            raise refusal(key, family=name, shape=str(shape), expected=str(expected))
    features = np.hstack(blocks)
    with np.errstate(over="ignore"):  # an infinite feature is named below
        values = features.astype(np.float32)
    bad = ~np.isfinite(values)
    if bad.any():
        row, column = (int(places[0]) for places in np.nonzero(bad))
        name = [name for family in families for name in family.names()][column]
        raise refusal(
            "case_features.infinite_feature", ids[row], name=name, value=values[row, column]
        )
    return values


def _extract_family(family: FeatureFamily, ids: Sequence[str], batch: FeatureBatch) -> Floats:
    """Name the case that a family refuses, which is the first one that it refuses on its own."""
    try:
        return family.extract(batch)
    except DataError as error:
        if len(batch) > 1:
            for row in range(len(batch)):
                _extract_family(family, ids[row : row + 1], batch.row(row))
        raise error.restated(DataError, where=ids[0]) from error
