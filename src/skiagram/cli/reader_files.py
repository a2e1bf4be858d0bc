"""Option files of the readers and devices whose scores a data set holds."""

import re
from collections.abc import Iterable
from pathlib import Path

import yaml

from skiagram.errors import OptionError
from skiagram.models.reader import Reader
from skiagram.options import composed

_TEXT = """\
# What a reader or an existing device said of each case, beside the models; nothing is trained.
_target_: {target}
column: {column} # of the data set's scores; higher = more likely the positive class
title: {column} # name for people
"""


def reader_files(project: Path, columns: Iterable[str]) -> dict[Path, str]:
    """Return path → text of a file a column; files that say so already stay as they are.

    Args:
        project: Folder of `conf/`.
        columns: Columns of scores.

    Raises:
        OptionError: A file of that name holds something else.
    """
    files: dict[Path, str] = {}
    for column in columns:
        name = re.sub(r"\W+", "_", column.lower()).strip("_")
        path = project / "conf" / "model" / f"{name}.yaml"
        target = composed(Reader(column=column, title=column))["_target_"]
        given = yaml.safe_load(path.read_text(encoding="utf-8")) if path.exists() else {}
        if given and (given.get("_target_"), given.get("column")) != (target, column):
            raise OptionError(
                f"conf/model/{name}.yaml exists and is no reader of `{column}`",
                where="--scores",
                remedy="rename the column",
            )
        if not given:
            scalar = yaml.safe_dump(column, allow_unicode=True, width=10**6).splitlines()[0]
            files[path] = _TEXT.format(target=target, column=scalar)
    return files
