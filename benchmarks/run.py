"""Run every benchmark that compares with a peer, and print what docs/results/benchmarks.md shows.

    [SKIAGRAM_BENCHMARK_ROUNDS=N] python -m benchmarks.run [NAME ...]

A benchmark is a module of this folder with `tables()`; the machine stands before them.
"""

import importlib
import pkgutil
import sys

import benchmarks
from benchmarks.common import machine
from benchmarks.ratio import show


def main() -> None:
    """Measure and print, the named ones or all."""
    every = sorted(module.name for module in pkgutil.iter_modules(benchmarks.__path__))
    print(machine())
    for name in sys.argv[1:] or every:
        module = importlib.import_module(f"benchmarks.{name}")
        if hasattr(module, "tables"):
            print(f"\n## {(module.__doc__ or name).splitlines()[0].rstrip('.')}\n", flush=True)
            show(module.tables())


if __name__ == "__main__":
    main()
