"""Weights that others trained: by torchvision's name, or from a file with its checksum."""

import hashlib
from pathlib import Path
from typing import Annotated

import torch
from pydantic import Field
from pydantic.dataclasses import dataclass
from safetensors.torch import load_file
from torch import Tensor

from skiagram.errors import DataError, OptionError
from skiagram.options import STRICT

FRESH = "none"


@dataclass(**STRICT)
class WeightsFile:
    """A state dict of torchvision's form in a file; nothing but tensors is read from it.

    Attributes:
        file: Path of a `.safetensors` file or of one that `torch.save` wrote; a relative one
            counts from the project's folder.
        sha256: Its SHA-256 checksum.
    """

    file: str
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


Source = str | WeightsFile


def state_dict(
    architecture: str, source: Source, where: str = "model.weights"
) -> dict[str, Tensor] | None:
    """Return weights by their names in torchvision's architecture; None for fresh ones.

    Weights by name are fetched once into the folder of `torch.hub` and checked against the hash in
    their file's name.

    Args:
        architecture: torchvision's name of the architecture.
        source: `none`, torchvision's name of the weights, or a file.
        where: Option that names them, for messages.

    Raises:
        OptionError: torchvision knows no weights of that name.
        DataError: They cannot be fetched, or the file is absent, damaged or another one.
    """
    if source == FRESH:
        return None
    if isinstance(source, WeightsFile):
        return _read(source, architecture, where)
    return _fetched(architecture, source, where)


def _fetched(architecture: str, name: str, where: str) -> dict[str, Tensor]:
    from torchvision.models import get_model_weights

    known = get_model_weights(architecture)
    if name not in known.__members__:
        raise OptionError(
            f"torchvision has no weights `{name}` of {architecture}",
            where=where,
            allowed=", ".join([FRESH, *known.__members__, "a file with its sha256"]),
        )
    try:
        # urllib's errors are OSErrors; a wrong hash is a RuntimeError.
        return dict(known[name].get_state_dict(progress=True, check_hash=True, weights_only=True))
    except (OSError, RuntimeError) as error:
        raise _unavailable(architecture, f"{known[name].url} ({error})", where) from error


def _read(source: WeightsFile, architecture: str, where: str) -> dict[str, Tensor]:
    path = Path(source.file)
    try:
        check_sha256(path, source.sha256, f"{where}.sha256")
    except OSError as error:
        raise _unavailable(architecture, f"{path} ({error.strerror})", where) from error
    weights = _tensors(path)
    if weights is None:
        raise DataError(
            "no state dict",
            where=str(path),
            allowed="tensors by name, as safetensors or as torch.save(network.state_dict())",
        )
    return weights


def _tensors(path: Path) -> dict[str, Tensor] | None:
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        values = torch.load(path, map_location="cpu", weights_only=True)
    except Exception:  # what a damaged archive raises is nowhere listed
        return None
    named = isinstance(values, dict) and all(isinstance(one, Tensor) for one in values.values())
    return dict(values) if named else None


def check_sha256(path: Path, expected: str, option: str) -> None:
    """Refuse a file that is not the one that an option names.

    Args:
        path: The file.
        expected: Its SHA-256 checksum in hexadecimal digits.
        option: Name of the option that gives the checksum.

    Raises:
        DataError: It has another checksum.
        OSError: It cannot be read.
    """
    found = sha256_of(path)
    if found != expected:
        raise DataError(
            f"a file of SHA-256 {found}",
            where=str(path),
            allowed=expected,
            remedy=f"get the file again, or correct {option} if you trust this one",
        )


def sha256_of(path: Path) -> str:
    """Return the SHA-256 checksum of a file in hexadecimal digits.

    Raises:
        OSError: It cannot be read.
    """
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _unavailable(architecture: str, tried: str, where: str) -> DataError:
    return DataError(
        f"no weights of {architecture} at {tried}",
        where=where,
        remedy="run once where the internet is reached (torch.hub keeps them in $TORCH_HOME), or "
        f"set {where} to {{file: PATH, sha256: CHECKSUM}} of a state dict you have"
        + (", or to none to start from fresh weights" if where.startswith("model.") else ""),
    )
