"""Run every benchmark that compares with a peer, and write docs/results/benchmarks.md.

    python -m benchmarks.run [--rounds N] [NAME ...]

A benchmark is a module of this folder with `ratios()` or `tables()`, or both. Each renews its own
section of the page, with the machine that it ran on; other sections stay. With fewer rounds the
figures are printed, not written.
"""

import argparse
import importlib
import pkgutil
from pathlib import Path
from types import ModuleType

import benchmarks
from benchmarks.common import machine
from benchmarks.ratio import Section, renew_sections, rounds, set_rounds, show

PAGE = Path(__file__).resolve().parents[1] / "docs" / "results" / "benchmarks.md"


def listed(names: list[str]) -> dict[str, ModuleType]:
    """Return the benchmarks of this folder, or the named ones."""
    every = sorted(module.name for module in pkgutil.iter_modules(benchmarks.__path__))
    modules = {name: importlib.import_module(f"benchmarks.{name}") for name in names or every}
    return {name: module for name, module in modules.items() if _offers(module)}


def _offers(module: ModuleType) -> bool:
    return hasattr(module, "ratios") or hasattr(module, "tables")


def measure(name: str, module: ModuleType) -> Section:
    """Run one benchmark and show its figures as they come."""
    title = (module.__doc__ or name).splitlines()[0].rstrip(".")
    print(f"\n{title}", flush=True)
    ratios, tables = [], []
    for ratio in module.ratios() if hasattr(module, "ratios") else ():
        show([ratio])
        ratios.append(ratio)
    for table in module.tables() if hasattr(module, "tables") else ():
        show([], [table])
        tables.append(table)
    return Section(title, name, ratios, tables)


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.run")
    parser.add_argument("--rounds", type=int, default=rounds())
    parser.add_argument("names", nargs="*")
    chosen = parser.parse_args()
    enough = chosen.rounds >= rounds()
    set_rounds(chosen.rounds)
    before = machine()
    print(before)
    sections = [measure(*one) for one in listed(chosen.names).items()]
    if enough:
        text = renew_sections(PAGE.read_text(encoding="utf-8"), before, sections)
        PAGE.write_text(text, encoding="utf-8")
        print(f"\n{PAGE.relative_to(PAGE.parents[2])}")


if __name__ == "__main__":
    main()
