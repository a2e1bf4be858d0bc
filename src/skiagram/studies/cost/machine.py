"""What times were measured on, without the machine's name."""

import os
import platform
from pathlib import Path


def machine() -> str:
    """Return processor, cores, system and Python in one line."""
    return f"{processor()}, {platform.system()}, Python {platform.python_version()}"


def processor() -> str:
    """Return the processor's name and how many cores this process may use."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return f"{_name()}, {cores} cores"


def _name() -> str:
    listing = Path("/proc/cpuinfo")
    lines = listing.read_text().splitlines() if listing.exists() else []
    named = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return named[0] if named else platform.machine()
