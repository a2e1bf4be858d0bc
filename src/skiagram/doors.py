"""What a remedy asks for, in the words of the door where it is shown.

Rooms name an option as the commands that read a folder take it, such as `--mask-grid resample`, and
a column as their tables call it. A door that takes the same under another name, or not at all, has
a row for it here. `tests/test_doors.py` goes through the messages that each door can show.
"""

import re
from collections.abc import Callable, Mapping

Words = str | Callable[[re.Match[str]], str]

_TABLE = "a table (`skiagram extract table.csv -o features.csv`)"
_COLUMN = "(?:a|the) column `(region|frame)`(?: (?:of|in) the table)?"
_NO_LIMIT = {", or allow more \\(`--most-pixels`[^)]*\\)": ""}
_NO_GRAY = {"turn the images gray, transparent pixels on black, with `--gray`.*?; or ": ""}
_PYRADIOMICS = {
    **_NO_LIMIT,
    **_NO_GRAY,
    ", or with --pattern `--label-value [^`]+`": "",
    ", with --pattern of that of labels": "",
}
_MADE_BY_TABLE = "pattern|mask-pattern|cut|frames|mark-class|mark-radius|mark-unit|similar-marks"

_WORD = "'[^']*'|[^ `]+"


def _as_options(found: re.Match[str]) -> str:
    """Return options of a command as `skiagram.run` takes them."""
    pairs = re.findall(f"--([a-z-]+)((?: (?!--)(?:{_WORD}))*)", found[0])
    values = {name: [each.strip("'") for each in re.findall(_WORD, text)] for name, text in pairs}
    arguments = [f"{name}={values.pop(name)[0]!r}" for name in ("positive",) if values.get(name)]
    options = {
        name.replace("-", "_"): (value if len(value) > 1 else value[0]) if value else True
        for name, value in values.items()
    }
    return f"`{', '.join([*arguments, *([f'options={options}'] if options else [])])}`"


# door → words of a message, as a regular expression → what that door takes in their place
_ROWS: Mapping[str, Mapping[str, Words]] = {
    "extract": _PYRADIOMICS
    | {"`--mask-grid resample`": "`correctMask: true` in the file of `--param`"},
    "extract IMAGE MASK": _PYRADIOMICS
    | {
        "`--mask-grid resample`": "`correctMask: true` in the file of `--param`",
        " \\(`all` for all of them\\)": "",
        "in the column `label_value`": "with `--label`",
        "the column `label_value`": "`--label`",
        _COLUMN: f"the column `\\1` of {_TABLE}",
    },
    "skiagram.extract": _PYRADIOMICS
    | {
        "`--mask-grid resample`": '`parameters={"setting": {"correctMask": True}}`',
        "`unstated_spacing` \\(`--unstated-spacing`\\)": "`spacing`",
        "`unstated_spacing` in the config, `--unstated-spacing` of a command": "`spacing`",
        " \\(`all` for all of them\\)": "",
        "in the column `label_value`": "by `label`",
        "the column `label_value`": "`label`",
        _COLUMN: f"the column `\\1` of {_TABLE}",
    },
    "check": {
        "`--(networks|baselines) none`": "`\\1: []` in params.yaml",
        "`--baselines svm`": "`baselines: [svm]` in params.yaml",
        "`--baselines`": "`baselines`",
    },
    "skiagram.run": {
        "leave `--([a-z]+)` out": "leave `\\1` out",
        "`--[^`]+`": _as_options,
        "--patient\\b": "`patients`",
        "(?<![\\w`-])--[a-z][a-z-]+": _as_options,
    },
    "predict": _NO_LIMIT
    | _NO_GRAY
    | {
        ", or with --pattern `--label-value [^`]+`": "",
        "`skiagram init … --visit`": "`--table`",
        "leave the column out: `--visit none`": "remove the column",
    },
    "table": _NO_LIMIT
    | _NO_GRAY
    | {
        "`--mask-grid resample`": "a program such as 3D Slicer",
        " --ignore-unlisted`": "`",
    },
    "validate": {
        f"`--(?:{_MADE_BY_TABLE})\\b[^`]*`|--(?:{_MADE_BY_TABLE})\\b": "\\g<0> of `skiagram table`"
    },
}


def in_words_of(door: str, text: str) -> str:
    """Return a message as a door says it."""
    for words, own in _ROWS.get(door, {}).items():
        text = re.sub(words, own, text)
    return text
