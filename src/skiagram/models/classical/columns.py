"""Which features a classical model uses, so that models on parts of them share one table."""

from collections.abc import Sequence

from skiagram.errors import OptionError

_SHORTCUTS = "acquisition_"


def chosen(names: Sequence[str], prefixes: Sequence[str] | None) -> tuple[str, ...]:
    """Return the names that start with one of the prefixes, in the order of the names.

    Args:
        names: All features.
        prefixes: Starts of names; None chooses all but traits of the file, which are a shortcut.

    Raises:
        OptionError: A prefix starts no name, or there is no prefix.
    """
    if prefixes is None:
        return tuple(name for name in names if not name.startswith(_SHORTCUTS))
    idle = [prefix for prefix in prefixes if not any(name.startswith(prefix) for name in names)]
    if idle or not prefixes:
        families = dict.fromkeys(name.split("_")[0] for name in names)
        raise OptionError(
            f"no feature starts with `{idle[0]}`" if idle else "no feature is chosen",
            where="model.columns",
            allowed=f"starts of feature names: {', '.join(families)}",
            remedy="add the feature set to `features` in params.yaml, or choose other columns",
        )
    return tuple(name for name in names if name.startswith(tuple(prefixes)))
