"""A model file is read by plain skops, depends on content alone and runs nothing foreign."""

import io
import json
import subprocess
import sys
import zipfile

import numpy as np
import pytest
from sklearn.ensemble import GradientBoostingClassifier, HistGradientBoostingClassifier
from sklearn.feature_selection import SelectFromModel
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

from skiagram.errors import DataError, ModelFailure
from skiagram.models.classical.persistence import (
    TRUSTED,
    read_pipeline,
    sound_trees,
    write_pipeline,
)
from skiagram.models.classical.preprocessing import MaximumThenSumScaler

GENERATOR = np.random.default_rng(0)
VALUES = GENERATOR.normal(size=(60, 4))
LABEL = (VALUES[:, 0] > 0).astype(np.int64)


def fitted(estimator):
    return make_pipeline(MaximumThenSumScaler(), estimator).fit(VALUES, LABEL)


READ = """
import sys
import numpy as np
import skops.io
folder, *trusted = sys.argv[1:]
for name in ("svm", "tree"):
    path = f"{folder}/{name}.skops"
    print(*skops.io.get_untrusted_types(file=path))
    answers = skops.io.load(path, trusted=trusted).predict(np.load(f"{folder}/values.npy"))
    np.save(f"{folder}/{name}.npy", answers)
"""


@pytest.mark.slow
def test_plain_skops_reads_the_files_when_told_what_to_trust(tmp_path):
    pipelines = {"svm": fitted(SVC()), "tree": fitted(DecisionTreeClassifier(random_state=0))}
    for name, pipeline in pipelines.items():
        write_pipeline(pipeline, tmp_path / f"{name}.skops")
    np.save(tmp_path / "values.npy", VALUES)
    words = [sys.executable, "-c", READ, str(tmp_path), *TRUSTED]
    printed = subprocess.run(words, check=True, capture_output=True, text=True).stdout
    assert set(printed.split()) <= set(TRUSTED)
    for name, pipeline in pipelines.items():
        np.testing.assert_array_equal(np.load(tmp_path / f"{name}.npy"), pipeline.predict(VALUES))


def test_the_archive_holds_no_time_and_no_address(tmp_path):
    path = tmp_path / "model.skops"
    write_pipeline(fitted(SVC()), path)
    with zipfile.ZipFile(path) as archive:
        assert {entry.date_time for entry in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        schema = archive.read("schema.json").decode()
    ids = [int(part.split(",")[0].split("}")[0]) for part in schema.split('"__id__": ')[1:]]
    assert sorted(ids) == list(range(1, len(ids) + 1))


def test_what_could_not_be_loaded_is_refused_by_name_when_it_is_saved(tmp_path):
    """Scikit-learn's search trees hold pointers that skops does not trust."""
    path = tmp_path / "model.skops"
    with pytest.raises(ModelFailure, match=r"^KNeighborsClassifier: .*_kd_tree\.KDTree"):
        write_pipeline(fitted(KNeighborsClassifier(algorithm="kd_tree")), path)
    assert not path.exists()
    write_pipeline(fitted(KNeighborsClassifier(algorithm="brute")), path)
    read_pipeline(path, KNeighborsClassifier)


def test_trees_that_would_be_refused_are_not_saved(tmp_path):
    pipeline = fitted(DecisionTreeClassifier(random_state=0))
    pipeline[-1].tree_.children_left[0] = 10**6
    with pytest.raises(ModelFailure, match="impossible nodes"):
        write_pipeline(pipeline, tmp_path / "model.skops")
    assert not list(tmp_path.iterdir())


def rewritten(path, change):
    with zipfile.ZipFile(path) as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    change(entries)
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in entries.items():
            archive.writestr(name, data)


def foreign_type(entries, module="subprocess", name="Popen"):
    """Name a type that would run a command."""
    schema = json.loads(entries["schema.json"])
    schema["content"]["content"]["steps"] = {
        "__class__": name,
        "__module__": module,
        "__loader__": "ObjectNode",
        "content": None,
        "__id__": 10**6,
    }
    entries["schema.json"] = json.dumps(schema).encode()


def type_of_a_test(entries):
    """Name a type of scikit-learn's own tests, which would be imported."""
    foreign_type(entries, "sklearn.tests.test_base", "MyEstimator")


def pickled_array(entries):
    """Put an array of objects, which NumPy would unpickle, in an array's place."""
    buffer = io.BytesIO()
    np.save(buffer, np.array([print], dtype=object), allow_pickle=True)
    entries[next(name for name in entries if name.endswith(".npy"))] = buffer.getvalue()


def lost_array(entries):
    del entries[next(name for name in entries if name.endswith(".npy"))]


def other_protocol(entries):
    """Claim a format from the future."""
    schema = json.loads(entries["schema.json"])
    entries["schema.json"] = json.dumps(schema | {"protocol": 10**6}).encode()


CHANGES = [foreign_type, type_of_a_test, pickled_array, lost_array, other_protocol]


@pytest.mark.parametrize("change", CHANGES)
def test_a_tampered_file_is_named(change, tmp_path):
    path = tmp_path / "model.skops"
    write_pipeline(fitted(SVC()), path)
    rewritten(path, change)
    with pytest.raises(DataError, match=r"model\.skops: unreadable model"):
        read_pipeline(path, SVC)
    assert "sklearn.tests.test_base" not in sys.modules


def test_another_estimator_is_refused(tmp_path):
    write_pipeline(fitted(GaussianNB()), tmp_path / "model.skops")
    with pytest.raises(DataError, match=r"holds a GaussianNB\. Allowed: SVC\."):
        read_pipeline(tmp_path / "model.skops", SVC)


@pytest.mark.parametrize("said", [{"n_features_in_": 4}, {}])
@pytest.mark.parametrize("kind", [DecisionTreeClassifier, GradientBoostingClassifier])
def test_trees_that_read_more_columns_than_a_table_is_asked_for_are_unsound(kind, said):
    """Scikit-learn compares a table with `n_features_in_` alone, and not where there is none."""
    wide = np.hstack([np.zeros_like(VALUES), VALUES])
    estimator = kind(random_state=0).fit(wide, LABEL)
    assert sound_trees(estimator)
    del estimator.n_features_in_
    vars(estimator).update(said)
    assert not sound_trees(estimator)


def test_trees_within_what_selects_features_are_looked_at():
    selection = SelectFromModel(DecisionTreeClassifier(random_state=0)).fit(VALUES, LABEL)
    assert sound_trees(selection)
    del selection.estimator_.n_features_in_
    assert not sound_trees(selection)


BOOSTED = HistGradientBoostingClassifier(max_iter=3, min_samples_leaf=2)
TREE = DecisionTreeClassifier(random_state=0)


@pytest.mark.parametrize(
    ("estimator", "field", "value"),
    [
        (BOOSTED, "left", 10**6),
        (BOOSTED, "right", 0),
        (BOOSTED, "feature_idx", 99),
        (BOOSTED, "is_categorical", 1),
        (TREE, "left_child", 10**6),
        (TREE, "right_child", 0),
        (TREE, "feature", 99),
    ],
)
def test_a_tree_that_leads_out_of_its_nodes_is_refused(estimator, field, value, tmp_path):
    """Scikit-learn follows such indices unchecked, out of the array or in a circle."""

    def misdirect(entries):
        for name in [name for name in entries if name.endswith(".npy")]:
            array = np.load(io.BytesIO(entries[name]))
            if array.dtype.names:
                array[field][0] = value
                buffer = io.BytesIO()
                np.save(buffer, array)
                entries[name] = buffer.getvalue()

    path = tmp_path / "model.skops"
    write_pipeline(fitted(estimator), path)
    read_pipeline(path, type(estimator))
    rewritten(path, misdirect)
    with pytest.raises(DataError, match="impossible nodes"):
        read_pipeline(path, type(estimator))
