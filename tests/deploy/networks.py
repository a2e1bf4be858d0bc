"""A trained network, and a head on a frozen one, with the films of their test cases."""

from skiagram.models.learner import learner_of
from skiagram.options import build, check
from skiagram.steps.encode import encode
from skiagram.training.options import Trainer
from tests.deploy.trained import finish, options, prepare, write_striped

FEATURES = {"first_order": options("features/first_order.yaml")}


def trained_network(folder, model="small_cnn", **changed):
    """Train a network for one epoch, on images as they are."""
    write_striped(folder)
    prepare(folder, options("restoration/repair.yaml"), FEATURES)
    chosen = options(f"model/{model}.yaml", **changed)
    network = chosen.get("model", chosen)  # of a tuned one, the network that is tuned
    network["training"] |= {"epochs": 1, "image_size": None, "batch_size": 8}
    trainer = check(Trainer, options("trainer/default.yaml"), "trainer")
    return finish(folder, learner_of(build(chosen, "model"), trainer, threads=1), chosen)


def trained_head(folder, columns):
    """Train a head as its stage does, then take the weights away that it was made with."""
    from tests.encoders.examples import options as encoder_options
    from tests.encoders.examples import weights_file

    write_striped(folder)
    prepare(folder, options("restoration/repair.yaml"), FEATURES)
    path = weights_file(folder)
    read = (folder / "restored", folder / "candidates")
    encode(encoder_options(path), *read, folder / "encodings/tiny")
    chosen = options("model/ridge.yaml", columns=columns, encoding="tiny")
    trained = finish(folder, build(chosen, "model"), chosen)
    path.unlink()
    return trained
