"""Stage encode: frozen encoders' numbers of restored images, and of candidates in them."""

from project import ROOT  # first, so that the code of this folder runs
from skiagram.projects.stage import StageRun, stage
from skiagram.steps.encode_project import EncodeOptions, encode_project


@stage(ROOT, EncodeOptions)
def main(options: EncodeOptions, run: StageRun) -> None:
    """Encode the images of all cases that were not encoded before, by each chosen encoder."""
    with run.publish("data/encodings") as folder:
        encode_project(ROOT, options, folder / "data/encodings")


if __name__ == "__main__":
    main()
