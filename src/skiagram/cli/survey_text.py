"""A survey of a folder as text for the terminal."""

import numpy as np

from skiagram.cli.text_table import text_table
from skiagram.datasets.folder.source import Folder
from skiagram.datasets.folder.survey import Survey
from skiagram.records import Design


def survey_text(found: Survey, source: Folder, design: Design) -> str:
    """Return counts, sizes, problems and findings."""
    parts = [_counts(found, source), _sizes(found), _findings(found, design), _problems(found)]
    return "\n\n".join(part for part in parts if part)


def _counts(found: Survey, source: Folder) -> str:
    splits = [split for split in ("train", "validation", "test") if _in_split(found, split)]
    known = source.columns.patient is not None
    rows = []
    for label, name in [*enumerate(source.classes), (None, "all")]:
        entries = [one for one in found.entries if label is None or one.label == label]
        patients = len({one.patient for one in entries}) if known else "unknown"
        in_splits = [sum(one.split == split for one in entries) for split in splits]
        rows.append([name, len(entries), patients, *in_splits])
    return text_table(["class", "images", "patients", *splits], rows)


def _in_split(found: Survey, split: str) -> bool:
    return any(entry.split == split for entry in found.entries)


def _sizes(found: Survey) -> str:
    if not found.examined:
        return "no file can be read"
    sides = np.array([one.shape[:2] for one in found.examined])
    low, middle, high = np.percentile(sides, [0, 50, 100], axis=0, method="nearest")
    depths = sorted({one.depth for one in found.examined})
    sizes = len(np.unique(sides, axis=0))
    kind = "gray" if found.channels == 1 else "colour"
    rows = [
        ["height", *(int(side[0]) for side in (low, middle, high))],
        ["width", *(int(side[1]) for side in (low, middle, high))],
    ]
    notes = [f"{kind}, {', '.join(depths)}, {sizes} different size{'s' if sizes > 1 else ''}"]
    if len(depths) > 1:
        notes.append("Several depths: intensities of different files may not be comparable.")
    if sizes > 1:
        notes.append("Networks need one size: set `training.image_size` in their option files.")
    return "\n".join([text_table(["pixels", "least", "median", "greatest"], rows), *notes])


def _findings(found: Survey, design: Design) -> str:
    """Return what the audit will say."""
    lines = []
    for one in sorted(found.findings, key=lambda finding: not finding.stops):
        grade = "STOP" if one.stops else one.severity
        lines.append(f"  {grade} {one.name}: {one.summary}")
        if one.remedy:
            lines.append(f"       Do this: {one.remedy}.")
        if one.examples:
            lines.append(f"       For example: {', '.join(one.examples)}")
    heading = f"What the audit will find (design: {design}, by the files that can be read):"
    return "\n".join([heading, *lines]) if lines else ""


def _problems(found: Survey) -> str:
    if not found.problems:
        return ""
    lines = [f"  {problem}" for problem in found.problems]
    return "\n".join([f"What would stop the run ({len(lines)}):", *lines])
