"""What users call classes and columns stays text on its way through OmegaConf."""

import sys
from pathlib import Path

from omegaconf import OmegaConf

REPOSITORY = Path(__file__).parents[2]


def test_names_of_classes_in_an_option_file_are_never_evaluated(tmp_path: Path) -> None:
    sys.path.insert(0, str(REPOSITORY / "pipeline"))
    try:
        from composition import OptionFiles
    finally:
        sys.path.remove(str(REPOSITORY / "pipeline"))
    names = ["${oc.env:HOME}", "${params:seed}", "${", "a\\${x}", "???", "plain"]
    (tmp_path / "dataset").mkdir()
    text = "classes:\n" + "".join(f"  - '{name}'\n" for name in names) + "size: 1e-3\n"
    (tmp_path / "dataset/own.yaml").write_text(text)
    loaded = OptionFiles("main", f"options://{tmp_path}").load_config("dataset/own")
    read = OmegaConf.to_container(loaded.config, resolve=True, throw_on_missing=True)
    assert read == {"classes": names, "size": 1e-3}
