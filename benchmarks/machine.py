"""What the figures were measured on, without the machine's name."""

import os
import platform
from importlib.metadata import version
from pathlib import Path

from skiagram.studies.cost.machine import processor

_PACKAGES = ("numpy", "scipy", "numba", "pywavelets", "pandas", "pyarrow", "joblib", "ray")


def machine() -> str:
    """Return processor, cores, load and versions in one paragraph."""
    versions = ", ".join(f"{name} {version(name)}" for name in _PACKAGES)
    return (
        f"{processor()}, {platform.system()}, mean load over the minute before "
        f"{os.getloadavg()[0]:.1f}; skiagram {version('skiagram')}, Python "
        f"{platform.python_version()}, {versions}."
    )


def peak_memory() -> int:
    """Return bytes that this process held at most; `ru_maxrss` would count what its parent held."""
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) * 1024
