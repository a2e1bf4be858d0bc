"""Pieces of a sweep belong to the code that makes them."""

import pytest

from skiagram.compute.code_digest import code_files, name_piece
from skiagram.fitting.arm import train
from skiagram.sweeps.candidates import Candidate, train_candidate
from skiagram.sweeps.data import ingest_data, prepare_data

FOREST = "skiagram.models.classical.trees.RandomForest"
NETWORK = "skiagram.models.deep.small_cnn.SmallCNN"


@pytest.mark.slow
def test_the_code_of_a_target_counts_and_no_order_of_inputs():
    forest, network = (
        name_piece("piece", {"model": {"_target_": target}}) for target in (FOREST, NETWORK)
    )
    assert forest != network
    known, turned = (dict.fromkeys(order, 1) for order in ("ab", "ba"))
    assert name_piece("piece", known) == name_piece("piece", turned)


@pytest.mark.slow
@pytest.mark.parametrize("work", [train_candidate, train])
def test_a_fit_depends_on_the_code_of_its_own_model(work):
    classical, deep = (code_files(work, Candidate, target).keys() for target in (FOREST, NETWORK))
    assert {"skiagram.models.classical.trees", "skiagram.records.feature_table"} < classical
    assert {"skiagram.models.deep.small_cnn", "skiagram.training.fit"} < deep
    assert "skiagram.models.deep.small_cnn" not in classical


@pytest.mark.slow
@pytest.mark.parametrize("work", [ingest_data, prepare_data])
def test_data_do_not_depend_on_models(work):
    rooms = ("skiagram.models", "skiagram.fitting")
    assert not {name for name in code_files(work) if name.startswith(rooms)}


@pytest.mark.slow
def test_pages_and_commands_count_nowhere():
    pages = ("skiagram.report", "skiagram.cli", "skiagram.tracking", "skiagram.deploy")
    found = code_files(train_candidate, Candidate, FOREST, ingest_data, prepare_data, train)
    assert not {name for name in found if name.startswith(pages)}
