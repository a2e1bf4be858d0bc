"""What a search may change, and option files in which only the named values change."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from skiagram.errors import OptionError
from skiagram.options import build
from skiagram.studies.search.space import Choice, Range, Space, apply_values, rewrite_option_file
from tests.studies.small_phantom import CONF

SPACES = sorted((CONF / "search").glob("*.yaml"))


def read(path: Path) -> Any:
    return yaml.safe_load(path.read_text())


def ends(dimension: Range | Choice) -> tuple[Any, ...]:
    return dimension.choices if isinstance(dimension, Choice) else (dimension.low, dimension.high)


@pytest.mark.slow
@pytest.mark.parametrize("path", SPACES, ids=lambda path: path.stem)
def test_a_model_takes_every_end_of_its_space_and_its_own_values_lie_within(path: Path) -> None:
    options = read(CONF / "model" / path.name)
    space: Space = build(read(path), "space")
    space.defaults(options, "space")
    for name, dimension in space.options.items():
        for value in ends(dimension):
            build(apply_values(options, {name: value}), "model")


def test_only_the_named_options_change_and_the_given_ones_stay() -> None:
    options = {"a": 1, "inner": {"b": 2, "c": 3}}
    assert apply_values(options, {"inner.b": 5}) == {"a": 1, "inner": {"b": 5, "c": 3}}
    assert options == {"a": 1, "inner": {"b": 2, "c": 3}}


def space(**options: Any) -> Space:
    group = {"_target_": "skiagram.studies.search.space.Space", "options": options}
    built: Space = build(group, "conf/search/m.yaml")
    return built


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"depht": {"low": 1, "high": 2, "scale": "log"}}, r"depht: no such option.*depth, inner"),
        ({"depth": {"low": 4, "high": 9, "scale": "log"}}, r"own value 3 lies outside"),
        ({"inner.rate": {"choices": [0.2, 0.3]}}, r"inner.rate: the model's own value 0.1"),
    ],
)
def test_a_space_that_does_not_fit_its_model_is_named(
    options: dict[str, Any], message: str
) -> None:
    with pytest.raises(OptionError, match=message):
        space(**options).defaults({"depth": 3, "inner": {"rate": 0.1}}, "conf/search/m.yaml")


@pytest.mark.parametrize(
    ("dimension", "message"),
    [
        ({"low": 2, "high": 2, "scale": "linear"}, "`low` must lie below `high`"),
        ({"low": 0.0, "high": 1.0, "scale": "log"}, "needs a `low` above 0"),
        ({"low": 1, "high": 2, "scale": "square"}, "'linear' or 'log'"),
        ({"choices": [1]}, "at least 2"),
    ],
)
def test_a_range_that_is_none_is_refused(dimension: dict[str, Any], message: str) -> None:
    with pytest.raises(OptionError, match=message):
        space(depth=dimension)


TEXT = """_target_: a.B
rate: 0.003 # of learning
depth: 3
inner:
  widths: [8, 16] # maps
  views:
    shift: 0.1
"""


def test_values_change_in_place_and_say_what_they_were() -> None:
    found = rewrite_option_file(
        TEXT, {"rate": 1e-5, "depth": 4, "inner.widths": [16, 32]}, "Found."
    )
    assert (
        found
        == """# Found.
_target_: a.B
rate: 1.0e-05 # of learning; was 0.003
depth: 4 # was 3
inner:
  widths: [16, 32] # maps; was [8, 16]
  views:
    shift: 0.1
"""
    )


def test_equal_values_leave_the_line_as_it_is() -> None:
    assert (
        rewrite_option_file(TEXT, {"rate": 0.003, "inner.views.shift": 0.1}, "x") == f"# x\n{TEXT}"
    )


@pytest.mark.parametrize("name", ["inner.views", "inner.depth"])
def test_what_is_no_single_line_is_refused(name: str) -> None:
    with pytest.raises(OptionError, match=name):
        rewrite_option_file(TEXT, {name: None}, "x")


@pytest.mark.slow
def test_a_real_option_file_reads_as_the_changed_options() -> None:
    text = (CONF / "model/small_cnn.yaml").read_text()
    values = {"training.optimizer.lr": 3e-05, "widths": [8, 16, 32, 64], "training.mixup": 0.2}
    found = yaml.safe_load(rewrite_option_file(text, values, "Found."))
    assert found == apply_values(yaml.safe_load(text), values)
    build(found, "model")
