"""Memory of every family: image included, at most four times the image as float32.

A family that computes others on a changed copy of the image holds the copy, and what these share.

A process of its own for each, since its peak is what counts; compiled code's memory is seen by no
other means. The cost is linear in pixels.
"""

import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parents[2] / "conf" / "features"
OTHERS = {
    *("acquisition", "colour", "covariates", "earlier", "measured", "site"),  # no grey image read
    *("morphology", "local_intensity", "log_3mm"),  # need volumes, or a spacing
}
FAMILIES = sorted(path.stem for path in FOLDER.glob("*.yaml") if path.stem not in OTHERS)
ON_COPIES = {"permuted", "perturbed"}
SIDE = 4096
MEASURE = """
import sys
from pathlib import Path

import numpy as np
import yaml

from skiagram.features.batch import FeatureBatch
from skiagram.options import build


def status(line):
    return 1024 * int(Path("/proc/self/status").read_text().split(line + ":")[1].split()[0])


path, side = Path(sys.argv[1]), int(sys.argv[2])
family = build(yaml.safe_load(path.read_text()), path.stem)
generator = np.random.default_rng(0)
family.extract(FeatureBatch(np.round(300 * generator.random((1, 256, 256), dtype=np.float32))))
before = status("VmRSS")
image = np.empty((1, side, side), dtype=np.float32)
for row in range(0, side, 256):
    image[0, row : row + 256] = np.round(300 * generator.random((256, side), dtype=np.float32))
family.extract(FeatureBatch(image))
print((status("VmHWM") - before) / image.nbytes)
"""


@pytest.mark.thorough
@pytest.mark.skipif(sys.platform != "linux", reason="reads the peak from /proc")
@pytest.mark.parametrize("name", FAMILIES)
def test_four_times_the_image_suffice_and_nine_on_copies(name: str) -> None:
    command = [sys.executable, "-c", MEASURE, str(FOLDER / f"{name}.yaml"), str(SIDE)]
    done = subprocess.run(command, capture_output=True, check=True, text=True)
    assert float(done.stdout) <= (9 if name in ON_COPIES else 4)
