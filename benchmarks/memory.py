"""Peak resident memory of ingest, restore and extract on 50,000 phantom images of 64 × 64.

    python benchmarks/memory.py [patients]

Runs the stages in a temporary copy of the project and prints, for each, seconds and the peak
resident set of its process as the kernel counted it (mapped shards included).
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LIMIT_GB = 1.5


def measure(project: Path, stage: str, *overrides: str) -> tuple[float, float]:
    """Run one stage; return (seconds, peak resident GB)."""
    started = time.monotonic()
    command = [sys.executable, f"pipeline/{stage}.py", *overrides]
    process = subprocess.Popen(command, cwd=project)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        sys.exit(f"{stage} ended with status {status}")
    return time.monotonic() - started, usage.ru_maxrss / 1024**2


def main() -> None:
    """Measure the three stages and print a row for each."""
    patients = int(sys.argv[1]) if len(sys.argv) > 1 else 25_000
    counts = {"train": patients * 8 // 10, "validation": patients // 10, "test": patients // 10}
    overrides = [f"dataset.patients.{split}={count}" for split, count in counts.items()]
    with tempfile.TemporaryDirectory() as folder:
        project = Path(folder)
        for part in ("conf", "pipeline"):
            shutil.copytree(ROOT / part, project / part)
        shutil.copy(ROOT / "params.yaml", project)
        print(f"{2 * sum(counts.values()):,} images of 64 × 64; limit {LIMIT_GB} GB")
        for stage, extra in (("ingest", overrides), ("restore", []), ("extract", [])):
            seconds, gigabytes = measure(project, stage, *extra)
            print(f"{stage:10s} {seconds:7.1f} s  {gigabytes:5.2f} GB peak resident")


if __name__ == "__main__":
    main()
