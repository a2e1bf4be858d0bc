"""Count what comes of altered files: `python -m tests.hostile [--files 1000] [KIND ...]`."""

import argparse
import sys

from tests.hostile.kinds import KINDS
from tests.hostile.trials import table_head, table_row, try_kind


def main():
    """Print a table, and for each fault the number by which its file can be made again."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kinds", nargs="*", default=[], help=f"of {', '.join(KINDS)}")
    parser.add_argument("--files", type=int, default=1000)
    given = parser.parse_args()
    print(table_head())
    for name in given.kinds or KINDS:
        tally = try_kind(name, range(given.files))
        print(table_row(name, tally), flush=True)
        for number, fault in tally.faults:
            print(f"{name} {number}: {fault}", file=sys.stderr, flush=True)


main()
