"""What every source must offer, whichever data set an option file names."""

from pathlib import Path
from typing import Any, get_type_hints

import pytest
import yaml
from hydra.utils import get_class

from skiagram.datasets.contract import OpenSource

OPTION_FILES = sorted((Path(__file__).parents[2] / "conf" / "dataset").glob("*.yaml"))
CHANGE_PIXELS = {"OpenMiniMias", "Nodules"}


def opened_class(option_file: Path) -> type[OpenSource]:
    """Return the class that a data set's `open` promises."""
    source: Any = get_class(yaml.safe_load(option_file.read_text())["_target_"])
    opened: type[OpenSource] = get_type_hints(source.open)["return"]
    return opened


@pytest.mark.parametrize("option_file", OPTION_FILES, ids=lambda path: path.stem)
def test_every_source_says_what_it_does_to_pixels(option_file: Path) -> None:
    opened = opened_class(option_file)
    assert (opened.acquisition is not None) == (opened.__name__ in CHANGE_PIXELS)
    assert not opened.__abstractmethods__
