"""`python -m tests.equal [NAME …]` makes the small projects and says which results moved."""

import argparse
import os
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path

# Every processor takes the same instructions, so that results of one machine hold on another. Of
# networks they still differ by up to 5e-9: libraries cut arrays into blocks by the size of caches.
SAME_INSTRUCTIONS = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_CORETYPE": "Haswell",
    "NPY_DISABLE_CPU_FEATURES": "X86_V4 AVX512_ICL AVX512_SPR",
    "ATEN_CPU_CAPABILITY": "avx2",
    "MKL_CBWR": "COMPATIBLE",
    "ONEDNN_MAX_CPU_ISA": "AVX2",
}
FROZEN = Path(__file__).parent / "frozen"


def main(words):
    """Compare the projects that are named, or all, with what is kept; return the exit code."""
    if any(os.environ.get(name) != value for name, value in SAME_INSTRUCTIONS.items()):
        os.environ.update(SAME_INSTRUCTIONS)
        os.execv(sys.executable, [sys.executable, "-m", "tests.equal", *words])
    from tests.equal.projects import PROJECTS
    from tests.equal.results import compare
    from tests.equal.run import import_libraries

    parser = argparse.ArgumentParser(prog="python -m tests.equal", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(PROJECTS))
    parser.add_argument("--renew", action="store_true", help="keep what the projects give now")
    allowed = "share of its size by which a decimal may differ"
    parser.add_argument("--tolerance", type=float, default=1e-8, metavar="SHARE", help=allowed)
    arguments = parser.parse_args(words)
    if unknown := [name for name in arguments.names if name not in PROJECTS]:
        parser.error(f"no project {unknown[0]}; there are {', '.join(PROJECTS)}")
    import_libraries()
    moved = 0
    with (
        tempfile.TemporaryDirectory() as place,
        ProcessPoolExecutor(os.cpu_count(), mp_context=get_context("fork")) as pool,
    ):
        for name, results, seconds in pool.map(partial(_made, place), arguments.names or PROJECTS):
            folder = FROZEN / name
            if arguments.renew:
                folder.mkdir(parents=True, exist_ok=True)
                for path in folder.iterdir():
                    path.unlink()
                for file, text in results.items():
                    (folder / file).write_text(text, encoding="utf-8")
                print(f"{name}: {len(results)} files are kept ({seconds:.0f} s)", flush=True)
                continue
            kept = {path.name: path.read_text(encoding="utf-8") for path in folder.glob("*")}
            found = compare(kept, results, arguments.tolerance)
            moved += bool(found)
            outcome = f"{name}: {'moved' if found else 'equal'} ({seconds:.0f} s)"
            print(outcome, *found, sep="\n  ", flush=True)
    return int(moved > 0)


def _made(place, name):
    from tests.equal.projects import PROJECTS
    from tests.equal.run import make

    started = time.monotonic()
    results = make(PROJECTS[name], Path(place) / name)
    return name, results, time.monotonic() - started


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
