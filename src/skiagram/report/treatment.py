"""What restoration did to the cases, in a few sentences."""

import pandas as pd

from skiagram.report.numbers import count, decimal


def treatment_summary(table: pd.DataFrame) -> tuple[str, ...]:
    """Return a sentence a kind of fault.

    Args:
        table: Columns `missing`, `outliers` (pixels), `dead_lines` (rows and columns) and `noise`
            (standard deviation, intensity units; NaN where none was taken out), one row a case.
    """
    if table.empty:
        return ("No case was restored.",)
    cases = f"{count(len(table))} cases"
    return (
        _pixels(table["missing"], cases, "missing pixels"),
        _pixels(table["outliers"], cases, "outlying pixels that were replaced"),
        _pixels(table["dead_lines"], cases, "dead rows or columns that were replaced"),
        _noise(table["noise"]),
    )


def _pixels(pixels: "pd.Series[int]", cases: str, what: str) -> str:
    touched = pixels[pixels > 0]
    if touched.empty:
        return f"No case had {what}."
    median, most = count(float(touched.median())), count(int(touched.max()))
    return (
        f"{count(len(touched))} of {cases} had {what} "
        f"(where there were any: median {median}, at most {most})."
    )


def _noise(noise: "pd.Series[float]") -> str:
    known = noise.dropna()
    if known.empty:
        return "No noise was taken out."
    quarters = [decimal(float(value)) for value in known.quantile([0.25, 0.5, 0.75])]
    return (
        f"Standard deviation of the noise taken out: median {quarters[1]} "
        f"(quartiles {quarters[0]}–{quarters[2]}), in the units of the images."
    )
