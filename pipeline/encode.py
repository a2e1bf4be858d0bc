"""Stage encode: restored images become what a frozen encoder makes of them, each image once."""

from typing import Any

from pydantic.dataclasses import dataclass

from entrypoint import choice, stage
from option_files import ROOT
from outputs import publish
from skiagram.compute.checkout import home
from skiagram.compute.workers import Compute
from skiagram.encoders.encoder import Encoder, write_encoding
from skiagram.encoders.encoding import encode_images
from skiagram.options import STRICT, build
from skiagram.preparation import propagate_preparation


@dataclass(**STRICT)
class Options:
    """Choices of the stage."""

    encoder: dict[str, Any]
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
        propagate_preparation(images, staging / target)


if __name__ == "__main__":
    main()
