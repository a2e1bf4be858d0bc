"""Wrong options end in one message that names the option and what is allowed."""

from pathlib import Path
from typing import Annotated, Literal

import pytest
from pydantic import Field
from pydantic.dataclasses import dataclass

from skiagram.errors import OptionError
from skiagram.options import (
    build,
    check,
    composed,
    read_option_file,
)
from skiagram.strict import STRICT
from tests.option_texts import REFUSED
from tests.yaml_rows import load_yaml

ROWS = load_yaml(Path(__file__).with_name("option_rows.yaml"))


@dataclass(**STRICT)
class Optimizer:
    """Nested options."""

    lr: Annotated[float, Field(gt=0)]


@dataclass(**STRICT)
class Network:
    """Options of every kind."""

    depth: Annotated[int, Field(ge=1)]
    name: str
    pooling: Literal["max", "mean"]
    gamma: Literal["scale"] | Annotated[float, Field(gt=0)]
    widths: tuple[int, ...]
    optimizer: Optimizer
    schedule: tuple[Optimizer, ...]


GOOD = ROWS["good"]


def test_plain_values_become_the_dataclass():
    network = check(Network, GOOD, "model")
    assert network.widths == (8, 16)
    assert network.optimizer == Optimizer(lr=0.1)
    assert check(Network, GOOD | {"optimizer": {"lr": 1}}, "model").optimizer.lr == 1.0


@pytest.mark.parametrize("row", ROWS["wrong"], ids=str)
def test_a_wrong_value_is_named_with_what_is_allowed(row):
    with pytest.raises(OptionError, match=row["said"]) as caught:
        check(Network, GOOD | row["change"], "model")
    assert caught.value.exit_code == 2
    assert "\n" not in str(caught.value)


def test_a_value_that_no_option_file_holds_is_named():
    with pytest.raises(OptionError, match=r"model: .*not JSON serializable"):
        check(Network, GOOD | {"optimizer": {1}}, "model")


def test_composed_options_build_the_same_again():
    network = check(Network, GOOD, "model")
    assert build(composed(network), "model") == network


def test_all_missing_options_are_named_at_once():
    left = {name: value for name, value in GOOD.items() if name not in ("depth", "optimizer")}
    with pytest.raises(OptionError, match=r"model: \w+, \w+ are missing"):
        check(Network, left, "model")


def test_a_missing_option_is_named():
    with pytest.raises(OptionError, match=r"model\.depth: is missing"):
        check(Network, {key: value for key, value in GOOD.items() if key != "depth"}, "model")


def test_a_target_chooses_the_class():
    assert build({"_target_": f"{__name__}.Optimizer", "lr": 0.5}, "model") == Optimizer(lr=0.5)


@pytest.mark.parametrize(("group", "message"), ROWS["no_options"])
def test_a_target_that_names_no_options_is_refused(group, message):
    with pytest.raises(OptionError, match=message):
        build(group, "model")


@pytest.mark.parametrize("kind", sorted(REFUSED))
def test_what_is_no_plain_yaml_is_refused_with_its_line(tmp_path, kind):
    content, line = REFUSED[kind]
    path = tmp_path / "films.yaml"
    path.write_bytes(content)
    with pytest.raises(OptionError) as raised:
        read_option_file(path, "films.yaml")
    where = f"films.yaml, line {line}" if line else "films.yaml"
    assert raised.value.where == where
    assert "\n" not in str(raised.value)


def test_a_folder_or_device_is_no_option_file(tmp_path):
    for path in (tmp_path, Path("/dev/zero"), tmp_path / "absent.yaml"):
        with pytest.raises(OptionError, match="is no file"):
            read_option_file(path)


def test_numbers_dates_and_aliases_are_read_as_the_stages_do(tmp_path):
    text = "small: &s {lr: 1e-3, when: 2024-05-01}\nagain: *s\nmore: {<<: *s, lr: 2}\nnothing:\n"
    path = tmp_path / "films.yaml"
    path.write_text(text)
    values = read_option_file(path)
    small = {"lr": 0.001, "when": "2024-05-01"}
    assert values == {"small": small, "again": small, "more": small | {"lr": 2}, "nothing": None}
    path.write_text("# only a comment\n")
    assert read_option_file(path) == {}
