"""What ingest and audit would say of a folder, all at once and before anything runs."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from skiagram.audit.contract import Evidence, Finding
from skiagram.audit.run import CHECKS
from skiagram.datasets.checks import check_entries
from skiagram.datasets.contract import Entry
from skiagram.datasets.folder.examination import Examination, examine_all
from skiagram.datasets.folder.hints import hints
from skiagram.datasets.folder.listing import listed
from skiagram.datasets.folder.source import Folder, check_channels
from skiagram.datasets.folder.table import Row
from skiagram.datasets.folder.unlisted import unlisted_images
from skiagram.datasets.image_files import read_image
from skiagram.duplicates import THUMBNAIL, Pairs, clusters, pairs_among
from skiagram.errors import DataError
from skiagram.records import SEALED, Cases, Design, Task


@dataclass(frozen=True)
class Survey:
    """What is in a folder.

    Attributes:
        entries: One a usable row, whether its file can be read or not.
        examined: What was read, in the order of the entries.
        problems: All that would stop ingest, in its own words.
        findings: What the audit would report; `examples` are file names.
        channels: 1 or 3, as most images have.
        cases: The case table of the usable files, under their own names.
    """

    entries: list[Entry]
    examined: list[Examination]
    problems: list[DataError]
    findings: list[Finding]
    channels: Literal[1, 3]
    cases: Cases

    @property
    def runnable(self) -> bool:
        """Return whether neither ingest nor the audit would stop."""
        return not self.problems and not any(finding.stops for finding in self.findings)


def survey(source: Folder, folder: Path, rows: list[Row], design: Design) -> Survey:
    """Look at every row and every file, and go on past whatever is wrong.

    Args:
        source: How to read the table; `manifest` and `channels` are not looked at.
        folder: Where the files are.
        rows: The table.
        design: What the run would evaluate by.

    Raises:
        DataError: A column is missing.
        OptionError: Columns and sites do not fit together.
    """
    listing = listed(rows, source.columns, source.classes, source.test_sites)
    names = [row.cells[source.columns.file] for row in rows]
    problems = list(listing.problems)
    if source.unlisted == "refuse":
        problems += unlisted_images(folder, names)
    found = examine_all(folder, [entry.name for entry in listing.entries])
    problems += [one for one in found if isinstance(one, DataError)]
    examined = [one for one in found if isinstance(one, Examination)]
    channels = _most(examined)
    problems += _among_others(examined, channels)
    task = Task(source.classes, None, design)
    try:
        check_entries(listing.entries, task, f"data set {source.name}")
    except DataError as error:
        problems.append(error)
    pairs = _pairs(folder, examined)
    readable = {one.name for one in examined}
    usable = [one for one in listing.entries if one.name in readable]
    cases = _cases(usable, pairs, design)
    constant = np.array([one.constant for one in examined], dtype=np.bool_)
    traits = hints(usable, examined, cases) if usable else None
    findings = _findings(Evidence(cases, task, source.card(), pairs, constant, traits))
    return Survey(listing.entries, examined, problems, findings, channels, cases)


def _most(examined: list[Examination]) -> Literal[1, 3]:
    """Return the channels that most images have; gray where as many have colour."""
    colour = sum(one.channels == 3 for one in examined)
    return 3 if 2 * colour > len(examined) else 1


def _among_others(examined: list[Examination], channels: int) -> list[DataError]:
    problems = []
    for one in examined:
        try:
            check_channels(one.channels, channels, one.name)
        except DataError as error:
            problems.append(error)
    return problems


def _pairs(folder: Path, examined: list[Examination]) -> Pairs:
    thumbnails = np.zeros((len(examined), THUMBNAIL**2), dtype=np.float32)
    for at, one in enumerate(examined):
        thumbnails[at] = one.thumbnail
    return pairs_among(
        thumbnails,
        [one.digest for one in examined],
        [one.shape for one in examined],
        lambda at: read_image(folder / examined[at].name, examined[at].name).pixels,
    )


def _findings(evidence: Evidence) -> list[Finding]:
    """Return what the audit would find among the files that can be read."""
    if not len(evidence.cases):
        return []
    return [finding for check in CHECKS for finding in check(evidence) if finding.count]


def _cases(entries: list[Entry], pairs: Pairs, design: Design) -> Cases:
    """Return the case table that ingest would write, but under file names."""
    split = np.array(
        ["train" if design == "cv" else entry.split or "train" for entry in entries], dtype=str
    )
    label = np.array([entry.label for entry in entries], dtype=np.int64)
    cluster: NDArray[np.int64] = clusters(pairs, len(entries))
    patient = [
        f"cluster {at}" if entry.patient is None else f"patient {entry.patient}"
        for at, entry in zip(cluster.tolist(), entries, strict=True)
    ]
    return Cases(
        np.array([entry.name for entry in entries], dtype=str),
        np.array(patient, dtype=str),
        split,
        np.where(split == "test", SEALED, label),
    )
