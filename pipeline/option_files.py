"""The option files in `conf` as Hydra composes them: each is checked first, params.yaml chooses.

Every script here imports this module before `skiagram`, and so runs the code of its own folder: a
queued experiment that of its copy, though another folder is installed.
"""

import os
import sys
from pathlib import Path
from typing import Any

from hydra._internal.core_plugins.file_config_source import FileConfigSource
from hydra.core.config_search_path import ConfigSearchPath
from hydra.core.plugins import Plugins
from hydra.errors import MissingConfigException
from hydra.plugins.config_source import ConfigResult
from hydra.plugins.search_path_plugin import SearchPathPlugin
from omegaconf import OmegaConf

ROOT = Path(__file__).resolve().parents[1]
SOURCES = ROOT / "src"
if SOURCES.is_dir():  # a study of one's own has none, and runs the installed package
    sys.path.insert(0, str(SOURCES))
    os.environ["PYTHONPATH"] = os.pathsep.join(  # for workers
        [str(SOURCES), *filter(None, [os.environ.get("PYTHONPATH")])]
    )

from skiagram.errors import OptionError  # noqa: E402
from skiagram.options import FROM_PARAMS, read_option_file  # noqa: E402

PARAMS = ROOT / "params.yaml"

OmegaConf.register_new_resolver(
    "params", lambda name: read_option_file(PARAMS, PARAMS.name)[name], replace=True
)


class OptionFiles(FileConfigSource):
    """The folder `conf`, each file checked before Hydra reads it.

    Where a defaults list asks for `["${params:name}"]`, params.yaml names several option files.
    """

    @staticmethod
    def scheme() -> str:
        """Return the word by which a search path asks for such a source."""
        return "options"

    def load_config(self, config_path: str) -> ConfigResult:
        """Return one option file.

        Raises:
            OptionError: It is no plain YAML.
        """
        name = self._normalize_file_name(config_path)
        if (Path(self.path) / name).exists():
            read_option_file(Path(self.path) / name, f"conf/{name}")
        loaded = super().load_config(config_path)
        values = OmegaConf.to_container(loaded.config, resolve=False)
        if isinstance(values, dict) and "defaults" in values:
            defaults = [_with_chosen_names(entry) for entry in values["defaults"]]
            OmegaConf.update(loaded.config, "defaults", defaults)
        return loaded


def _with_chosen_names(entry: Any) -> Any:
    if not isinstance(entry, dict):
        return entry
    several = {group for group, names in entry.items() if isinstance(names, list)}
    return {
        group: chosen_names(names) if group in several else names for group, names in entry.items()
    }


def chosen_names(names: str | list[str]) -> list[str]:
    """Return the option files that an entry of a defaults list asks for.

    Args:
        names: As written there; `${params:NAME}` stands for the names that params.yaml gives, as
            a list or separated by commas, of which Hydra by itself would see a single one.
    """
    written = [names] if isinstance(names, str) else names
    reference = FROM_PARAMS.fullmatch(written[0]) if len(written) == 1 else None
    if not reference:
        return written
    given = read_option_file(PARAMS, PARAMS.name)[reference[1]]
    listed = given if isinstance(given, list) else str(given).split(",")
    return [str(name).strip() for name in listed if str(name).strip()]


class OptionFolder(SearchPathPlugin):
    """Tells Hydra where option files stand."""

    def manipulate_search_path(self, search_path: ConfigSearchPath) -> None:
        """Have the folder that Hydra was given read by `OptionFiles`."""
        for element in search_path.get_path():
            if element.provider == "main":
                element.path = f"{OptionFiles.scheme()}://{ROOT / 'conf'}"


Plugins.instance().register(OptionFiles)
Plugins.instance().register(OptionFolder)


def explain_refusal(error: Exception, name: str) -> OptionError:
    """Return what Hydra could not compose, as an error that names the option files there are.

    Args:
        error: What Hydra raised.
        name: The stage.
    """
    missing = error.missing_cfg_file if isinstance(error, MissingConfigException) else None
    if isinstance(missing, str):
        files = (ROOT / "conf" / missing).parent.glob("*.yaml")
        allowed = ", ".join(sorted(path.stem for path in files))
        return OptionError(f"no option file conf/{missing}.yaml", where=name, allowed=allowed)
    return OptionError(" ".join(str(error).split()), where=name)
