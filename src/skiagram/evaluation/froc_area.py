"""Area under FROC up to one false mark per image: what is found at the rates that readers accept.

The mean share of the lesions found over all rates from 0 to that one (Bandos et al. 2009,
*Biometrics* 65:247, restricted to the rates of interest as a partial AUC is). LUNA16's mean
sensitivity weighs rates up to 8 instead, and the figure of merit ranks lesions against images.
"""

from collections.abc import Mapping
from functools import partial

from skiagram.evaluation.figure_table import FigureRow, make_row
from skiagram.statistics.bootstrap import PatientDraws, bootstrap_difference, bootstrap_estimate
from skiagram.statistics.froc import MOST_LESIONS, FreeResponse, difference_of_areas

FROC_AREA = "froc_area"
MOST = 1.0  # false marks per image


def measure_froc_area(
    finders: Mapping[str, FreeResponse],
    arms: Mapping[str, FreeResponse],
    contender: str,
    draws: PatientDraws,
) -> tuple[FigureRow, ...]:
    """Measure every finder, and what stands for the contender minus the best classical one.

    Args:
        finders: Model, or the ideal observer → its marks on the reported images.
        arms: Arm → marks of what stands for it.
    """
    # The area of each finder, then the difference of the two arms.
    row = partial(make_row, analysis=FROC_AREA, figure="area")
    rows = [
        row(
            bootstrap_estimate(
                response.area(MOST), draws, kind="percentile", most_cases=MOST_LESIONS
            ),
            model=name,
        )
        for name, response in finders.items()
    ]
    if {contender, "classical"} <= set(arms):
        difference = difference_of_areas(arms[contender], arms["classical"], MOST)
        estimate = bootstrap_difference(difference, draws)
        rows.append(row(estimate, model=contender, versus="classical"))
    return tuple(rows)
