"""A trained network with the films of its test cases."""

from pathlib import Path

from skiagram.models.deep.learner import Learner
from skiagram.options import build, check
from skiagram.store import ImageStore
from skiagram.training.images import ImageSet
from skiagram.training.options import Trainer
from tests.deploy.trained import Trained, finish, options, prepared


def trained_network(folder: Path) -> Trained:
    """Train the small network for one epoch, on images as they are."""
    cases, _ = prepared(folder, options("restoration/repair.yaml"), [])
    composed = options("model/small_cnn.yaml")
    composed["training"] |= {"epochs": 1, "image_size": None, "batch_size": 8}
    trainer = check(Trainer, options("trainer/default.yaml"), "trainer")
    learner = Learner(build(composed, "model"), trainer, threads=1)
    images = ImageStore(folder / "restored")
    inputs = tuple(ImageSet(images, part.case_id) for part in (cases.development(), cases.test()))
    return finish(folder, folder / "restored", learner, composed, cases, inputs)
