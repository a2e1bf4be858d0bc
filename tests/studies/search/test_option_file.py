"""The option file that a search leaves: other values, the same comments."""

import pytest
import yaml

from skiagram.errors import OptionError
from skiagram.options import build
from skiagram.studies.search.option_file import rewritten
from skiagram.studies.search.space import applied
from tests.studies.small_phantom import CONF

TEXT = """_target_: a.B
rate: 0.003 # of learning
depth: 3
inner:
  widths: [8, 16] # maps
  views:
    shift: 0.1
"""


def test_values_change_in_place_and_say_what_they_were() -> None:
    found = rewritten(TEXT, {"rate": 1e-5, "depth": 4, "inner.widths": [16, 32]}, "Found.")
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
    assert rewritten(TEXT, {"rate": 0.003, "inner.views.shift": 0.1}, "x") == f"# x\n{TEXT}"


@pytest.mark.parametrize("name", ["inner.views", "inner.depth"])
def test_what_is_no_single_line_is_refused(name: str) -> None:
    with pytest.raises(OptionError, match=name):
        rewritten(TEXT, {name: None}, "x")


def test_a_real_option_file_reads_as_the_changed_options() -> None:
    text = (CONF / "model/small_cnn.yaml").read_text()
    values = {"training.optimizer.lr": 3e-05, "widths": [8, 16, 32, 64], "training.mixup": 0.2}
    found = yaml.safe_load(rewritten(text, values, "Found."))
    assert found == applied(yaml.safe_load(text), values)
    build(found, "model")
