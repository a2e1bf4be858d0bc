"""Rows of a sweep: what axes, ranges and references become."""

import pytest
import yaml

from skiagram.composition import Composition
from skiagram.errors import OptionError
from skiagram.options import check, read_option_file
from skiagram.steps.score import Scored
from skiagram.sweeps.rows import SCORED, Sweep, expand_rows, short_name
from skiagram.sweeps.table import name_options, read_sweep
from tests import REPOSITORY
from tests.sweeps.small_phantom import REFUSED, small_place
from tests.yaml_rows import of_rows

C = "conf.model.svm.C"


CONF = REPOSITORY / "conf"


@pytest.mark.parametrize(
    "path", sorted((CONF / "sweep").glob("*.yaml")), ids=lambda path: path.stem
)
def test_every_sweep_of_the_project_changes_options_that_are_there(path):
    options = name_options(read_option_file(path), Composition(CONF.parent))
    rows = expand_rows(check(Sweep, options, path.stem))
    params = read_option_file(CONF.parent / "params.yaml")
    for row in rows:
        check(Scored, row.changes.get(SCORED, {}), SCORED)
    for option in {name for row in rows for name in row.changes} - {SCORED}:
        if option.startswith("conf."):
            _, group, name, *_ = option.split(".")
            files = CONF / group / f"{name}.yaml", CONF / f"{group}.yaml"
            assert any(file.is_file() for file in files), option
        else:
            assert option in params, option


def sweep(**values):
    return check(Sweep, {"question": "What does it change?", **values}, "sweep")


@of_rows(__file__)
def test_rows_are_the_combinations_over_the_base_each_with_its_reference(values, rows, references):
    found = expand_rows(sweep(**values))
    assert [dict(row.changes) for row in found] == rows
    assert [row.number for row in found] == [*range(1, len(rows) + 1)]
    assert [row.reference for row in found] == references


def test_a_row_is_named_by_its_place():
    *_, last = expand_rows(sweep(axes={C: [0.1, 1.0], "variant": {"both": {"folds": 3}}}))
    assert last.place == {C: 1.0, "variant": "both"}
    assert last.name() == "svm.C 1, variant both"
    assert short_name("conf.trainer.default.devices") == "trainer.devices"


@pytest.mark.parametrize("name", REFUSED["sweeps"])
def test_a_sweep_that_says_two_things_or_nothing_is_refused(name):
    with pytest.raises(OptionError) as refused:
        expand_rows(sweep(**REFUSED["sweeps"][name]["values"]))
    assert all(words in str(refused.value) for words in REFUSED["sweeps"][name]["words"])


def test_a_file_of_a_sweep_names_options_by_their_addresses(tmp_path):
    workspace = small_place(tmp_path)
    weights = {"as is": {}, "equal": {"svm.class_weight": "balanced"}}
    values = {"question": "What?", "base": {"plan.subset": None, "seed": 1}}
    values |= {
        "axes": {"svm.gamma": [0.1, 1.0], "weights": weights},
        "reference": {"svm.gamma": 0.1},
    }
    (tmp_path / "conf/sweep/own.yaml").write_text(yaml.safe_dump(values))
    last = expand_rows(read_sweep(workspace, "own", {"svm.kernel": "poly"}))[-1]
    named = {"gamma": 1.0, "class_weight": "balanced", "kernel": "poly"}
    whole = {f"conf.model.svm.{option}": value for option, value in named.items()}
    assert dict(last.changes) == whole | {"conf.plan.plan.subset": None, "seed": 1}
    assert last.name() == "svm.gamma 1, weights equal"
    with pytest.raises(OptionError, match=r"did you mean `svm.gamma`"):
        read_sweep(workspace, "own", {"svm.gama": 1})
