"""A network inside another one: its options stand in the option file, its training beside them."""

import dataclasses
from collections.abc import Mapping
from typing import Any, cast

from skiagram.errors import OptionError
from skiagram.models.deep.contract import Network, ReadsTable
from skiagram.options import build
from skiagram.training.options import Training

_WHERE = "model.backbone"
_PACKAGE = "skiagram.models.deep."


def backbone_of(options: Mapping[str, Any], training: Training) -> Network:
    """Return the network that a group of options describes.

    Args:
        options: `_target_` and options of a network of this package, without `training`.
        training: How the whole is trained.

    Raises:
        OptionError: The options do not fit the network, name a class of elsewhere, hold a training
            of their own, or a network that reads a table.
    """
    target = str(options.get("_target_", ""))
    if not target.startswith(_PACKAGE):
        raise OptionError(
            f"names the class `{target}`",
            where=f"{_WHERE}._target_",
            allowed=f"networks of {_PACKAGE}*",
        )
    if "training" in options:
        raise OptionError(
            "is given twice", where=f"{_WHERE}.training", remedy="leave it in `model` alone"
        )
    group = {**options, "training": dataclasses.asdict(training)}
    network = build(group, _WHERE)
    if not hasattr(network, "build") or isinstance(network, ReadsTable):
        raise OptionError(
            f"`{target}` is no network on images alone",
            where=_WHERE,
            allowed="small_cnn, pretrained and others as their option files have them",
        )
    return cast(Network, network)
