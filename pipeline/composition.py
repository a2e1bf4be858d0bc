"""The option files in `conf` as Hydra composes them: each is checked first, params.yaml chooses."""

from pathlib import Path
from typing import Any

from hydra._internal.core_plugins.file_config_source import FileConfigSource
from hydra.core.config_search_path import ConfigSearchPath
from hydra.core.plugins import Plugins
from hydra.errors import MissingConfigException
from hydra.plugins.config_source import ConfigResult, ConfigSource
from hydra.plugins.search_path_plugin import SearchPathPlugin
from omegaconf import OmegaConf

from option_files import PARAMS, ROOT
from skiagram.errors import OptionError
from skiagram.options import chosen_names, find_value, read_option_file

_TEXT = "text"  # resolver that gives a text back as it stands
OmegaConf.register_new_resolver(
    "params",
    lambda name: find_value(read_option_file(PARAMS, PARAMS.name), name, PARAMS.name),
    replace=True,
)
OmegaConf.register_new_resolver(
    _TEXT, lambda digits: bytes.fromhex(digits[1:]).decode(), replace=True
)


_SEVERAL = {"combination": "combinations", "encoder": "encoders", "features": "features"}


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
            OptionError: It is no plain YAML, or one of several without its own place.
        """
        name = self._normalize_file_name(config_path)
        path = Path(self.path) / name
        values = read_option_file(path, f"conf/{name}") if path.exists() else {}
        if "/" in name and path.exists():  # what users name stands in groups: it is text
            header = ConfigSource._get_header_dict(path.read_text(encoding="utf-8")[:512])
            place = f"{self.scheme()}://{self.path}"
            content = OmegaConf.create(as_text(values))
            loaded = ConfigResult(self.provider, place, content, header)
        else:
            loaded = super().load_config(config_path)
        _check_package(loaded.header["package"], name)
        whole = OmegaConf.to_container(loaded.config, resolve=False)
        if isinstance(whole, dict) and "defaults" in whole:
            defaults = [_with_chosen_names(entry) for entry in whole["defaults"]]
            OmegaConf.update(loaded.config, "defaults", defaults)
        return loaded


def as_text(values: Any) -> Any:
    """Return values of an option file such that OmegaConf evaluates none: `${oc.env:HOME}` is text.

    Names of classes, columns and files may hold anything.
    """
    if isinstance(values, dict):
        return {
            name: value if name == "defaults" else as_text(value) for name, value in values.items()
        }
    if isinstance(values, list):
        return [as_text(value) for value in values]
    if isinstance(values, str) and ("${" in values or values == "???"):
        return f"${{{_TEXT}:x{values.encode().hex()}}}"
    return values


def _check_package(package: str | None, file: str) -> None:
    """Refuse a file of a group of which a run takes several, if it does not say where it goes."""
    group, _, name = file.removesuffix(".yaml").partition("/")
    several = _SEVERAL.get(group)
    named = (package or "").split(".")[
        0
    ]  # features.glcm, or features of a file of several families
    if several is not None and named != several:
        remedy = f"begin the file with the line `# @package {several}.{name}`"
        fault, where = "its first line does not say its name", f"conf/{file}"
        raise OptionError(fault, where=where, remedy=remedy)


def _with_chosen_names(entry: Any) -> Any:
    if not isinstance(entry, dict):
        return entry
    return {
        group: chosen_names(names, read_option_file(PARAMS, PARAMS.name))
        if isinstance(names, list)
        else names
        for group, names in entry.items()
    }


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
    files = (ROOT / "conf" / missing).parent.glob("*.yaml") if isinstance(missing, str) else ()
    if allowed := ", ".join(sorted(path.stem for path in files)):  # else it is Hydra's own file
        return OptionError(f"no option file conf/{missing}.yaml", where=name, allowed=allowed)
    return OptionError(" ".join(str(error).split()), where=name)
