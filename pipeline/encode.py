"""Stage encode: a frozen encoder's numbers of restored images, and of windows at candidates."""

from dataclasses import asdict
from typing import Any

from pydantic.dataclasses import dataclass

from entrypoint import choice, stage
from option_files import ROOT
from outputs import publish
from skiagram.compute.checkout import home
from skiagram.compute.workers import Compute
from skiagram.encoders.encoder import Encoder, write_encoding
from skiagram.encoders.encoding import encode_images, encode_places
from skiagram.features.windows import Windows
from skiagram.finding.inputs import CANDIDATES, read_candidates
from skiagram.options import STRICT, build
from skiagram.preparation import propagate_preparation


@dataclass(**STRICT)
class Options:
    """Choices of the stage."""

    encoder: dict[str, Any]
    windows: Windows
    compute: Compute


@stage(Options)
def main(options: Options) -> None:
    """Encode the images of all cases that were not encoded before."""
    encoder: Encoder = build(options.encoder, "encoder")
    images, target = ROOT / "data/restored", f"data/encodings/{choice('encoder')}"
    with publish(target) as staging:
        cache = home(ROOT) / ".work/encodings"
        table, record = encode_images(images, encoder, options.compute, cache, print)
        write_encoding(table, record, encoder, staging / target)
        places = read_candidates(ROOT / "data")
        if len(places):
            work = (options.windows, record, options.compute, cache, print)
            encode_places(images, places, *work).write(staging / target / CANDIDATES)
        prepared, described = ROOT / "data/candidates", asdict(options.windows)
        propagate_preparation(prepared, staging / target, windows=described)


if __name__ == "__main__":
    main()
