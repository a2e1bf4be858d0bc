"""How often 95 % intervals hold the truth, and how often paired tests find what is not there.

    python benchmarks/coverage/run.py [SIMULATIONS] [--tables NAME ...]

Writes the rows to docs/results/coverage, a CSV for each table, in twenty minutes of one core;
docs/results/coverage.md says what they show. Data are drawn, so every true figure is known; nothing
is read. Each module beside this one has simulations of one matter.
"""

import argparse
from pathlib import Path

import calibrations_of_folds
import choosing_fits
import concordance
import cumulative_incidence
import decisions
import free_response
import gains_of_few_events
import grade_agreement
import groups
import intervals_of_an_auc
import means_over_draws
import measured_outcomes
import near_bounds
import number_errors
import procedures
import rare_and_alike
import rules_of_tasks
import several_classes
import several_findings
import shifts_of_times
import within_fits

ROWS = Path(__file__).resolve().parents[2] / "docs/results/coverage"
MODULES = (
    *(intervals_of_an_auc, groups, several_classes, procedures, within_fits, free_response),
    *(concordance, cumulative_incidence, shifts_of_times, number_errors),
    *(grade_agreement, several_findings, near_bounds, measured_outcomes, means_over_draws),
    *(choosing_fits, rare_and_alike, rules_of_tasks, decisions, calibrations_of_folds),
    gains_of_few_events,
)
SIMULATIONS = {table.name: table for module in MODULES for table in module.TABLES}


def main() -> None:
    """Simulate what was asked for and write its rows."""
    parser = argparse.ArgumentParser(prog="python benchmarks/coverage/run.py")
    parser.add_argument("simulations", nargs="?", type=int, default=2000)
    parser.add_argument("--tables", nargs="+", choices=[*SIMULATIONS], default=[*SIMULATIONS])
    chosen = parser.parse_args()
    for name in chosen.tables:
        rows = SIMULATIONS[name].tabulate(chosen.simulations)
        (ROWS / f"{name}.csv").write_text(rows, encoding="utf-8")


if __name__ == "__main__":
    main()
