"""What the figures were measured on, without the machine's name."""

import os
import platform
from importlib.metadata import version
from pathlib import Path

_PACKAGES = ("numpy", "scipy", "numba", "pywavelets", "pandas", "pyarrow", "joblib", "ray")


def machine() -> str:
    """Return processor, cores, load and versions in one paragraph."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    versions = ", ".join(f"{name} {version(name)}" for name in _PACKAGES)
    return (
        f"{_processor()}, {cores} cores, {platform.system()}, mean load over the minute before "
        f"{os.getloadavg()[0]:.1f}; skiagram {version('skiagram')}, Python "
        f"{platform.python_version()}, {versions}."
    )


def _processor() -> str:
    listing = Path("/proc/cpuinfo")
    lines = listing.read_text().splitlines() if listing.exists() else []
    named = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return named[0] if named else platform.machine()
