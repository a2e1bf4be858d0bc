"""Films to be searched: the ideal observer against a sum over all sets of nodules; its marks."""

import itertools

import numpy as np
import pytest
from scipy import fft

from skiagram.image_store.store import ImageStore
from skiagram.records.files import read_table
from skiagram.sources.phantom.image_model import centred_nodule, power_law_spectrum
from tests.datasets.sources import ingested
from tests.sources.phantoms import data_set

SMALL = {
    "size": 20,
    "noise": 0.5,
    "patients": {"train": 6, "validation": 0, "test": 4},
    "nodules": {"radius": 2.0, "cells": 2, "apart": 7, "offsets": [-1, 1], "amplitude": 1.5},
}


def films(**changes):
    return data_set("phantom_finding", **changes)


def covariance(options):
    """Of all pixels of both sides, in real space."""
    size = options.size
    spectrum = power_law_spectrum(size, options.tissue_exponent)
    field = fft.irfftn(spectrum, s=(size, size))
    place = np.array(list(np.ndindex(size, size)))
    apart = (place[:, None] - place[None]) % size
    tissue = field[apart[..., 0], apart[..., 1]]
    both = np.block([[tissue, options.shared * tissue], [options.shared * tissue, tissue]])
    return both + options.noise**2 * np.eye(len(both))


@pytest.mark.slow
def test_the_ideal_observer_is_the_sum_over_all_sets_of_nodules():
    options = films(**SMALL)
    opened = options.open(None)
    nodule = centred_nodule(options.size, opened.shape)
    places, (cells, offsets) = opened.places, opened.places.shape[:2]
    inverse = np.linalg.inv(covariance(options))
    patient = next(k for k in range(1, 8, 2) if len(opened.films(k)[opened.side(k) or 0].centres))
    seen = np.concatenate([film.noisy.ravel() for film in opened.films(patient)])
    filtered = inverse @ seen
    weight, of_cell, of_film = 0.0, np.zeros((2, cells)), np.zeros(2)
    for side, count in itertools.product(range(2), range(1, 4)):
        sets = list(itertools.combinations(range(cells), count))
        for chosen in sets:
            for strayed in itertools.product(range(offsets), repeat=count):
                mean = np.zeros((2, options.size, options.size))
                for cell, offset in zip(chosen, strayed, strict=True):
                    mean[side] += np.roll(nodule, places[cell, offset], (0, 1))
                flat = mean.ravel()
                ratio = np.exp(flat @ filtered - flat @ inverse @ flat / 2)
                share = 0.5 / 2 / 3 / len(sets) / offsets**count * ratio
                weight += share
                of_film[side] += share
                of_cell[side, list(chosen)] += share
    for side, searched in enumerate(opened.searched(patient)):
        chance = of_cell[side] / (weight + 0.5)
        assert searched.cells == pytest.approx(np.log(chance / (1 - chance)), rel=1e-6)
        chance = of_film[side] / (weight + 0.5)
        assert searched.log_odds == pytest.approx(np.log(chance / (1 - chance)), rel=1e-6)


def test_every_lesion_is_hit_by_the_mark_of_its_cell_and_by_no_other():
    opened = films(**SMALL).open(None)
    for position, entry in enumerate(opened.entries.itertuples()):
        marks = opened.marks(position)
        assert entry.label == int(len(marks) > 0)
        assert len(marks) <= 3
        for lesion in marks:
            ideal = [mark for mark, _ in opened.truth(position).ideal_marks]
            apart = [np.linalg.norm(np.subtract(mark.centre, lesion.centre)) for mark in ideal]
            assert sum(each <= lesion.radius for each in apart) == 1


def test_half_of_the_patients_have_nodules_in_one_of_two_films():
    labels = films().open(None).entries["label"].to_numpy().reshape(-1, 2)
    assert (labels.sum(axis=1) == np.arange(len(labels)) % 2).all()
    assert 0.3 < labels[1::2, 0].mean() < 0.7


@pytest.mark.slow
def test_ingest_seals_the_ideal_marks(tmp_path):
    ingested(films(**SMALL), tmp_path)
    marks = read_table(tmp_path / "sealed/ideal_marks.parquet")
    store = ImageStore(tmp_path / "images")
    assert set(marks["case_id"]) == set(store.case_ids)
    assert (marks["radius"] == 4.0).all()  # mm, of pixels of 2 mm
