import pandas as pd
import pytest

from skiagram.report.sections.training import draw_training_curves


@pytest.mark.slow
def test_every_measure_recorded_gets_a_panel_and_words() -> None:
    table = pd.DataFrame(
        {
            "fit": ["repeat0-final"] * 2,
            "epoch": [0, 1],
            "training_loss": [0.7, 0.5],
            "validation_loss": [0.8, 0.6],
            "validation_accuracy": [0.5, 0.75],
            "learning_rate": [0.1, 0.1],
        }
    )
    drawing = draw_training_curves("net", "Net", table)
    assert drawing.name == "training_net"
    assert "loss, accuracy by epoch of 1 fits" in drawing.description
    assert "validation accuracy 0.750" in drawing.description


def test_nothing_recorded_gives_no_figure() -> None:
    assert draw_training_curves("net", "Net", pd.DataFrame({"fit": [], "epoch": []})) is None
    only_rate = pd.DataFrame({"fit": ["a"], "epoch": [0], "learning_rate": [0.1]})
    assert draw_training_curves("net", "Net", only_rate) is None


@pytest.mark.slow
def test_a_network_that_learns_its_cases_by_heart_is_named_in_the_caption() -> None:
    epochs = [0, 1, 2, 3]
    fits = {
        "fold0": [0.7, 0.6, 0.65, 0.8],
        "fold1": [0.7, 0.6, 0.7, 0.9],
        "fold2": [0.7, 0.6, 0.5, 0.4],
    }
    losses = pd.DataFrame(fits | {"epoch": epochs}).melt("epoch", var_name="fit")
    table = losses.rename(columns={"value": "validation_loss"})
    table["training_loss"] = 0.7 - 0.1 * table["epoch"]
    drawing = draw_training_curves("net", "Net", table)
    assert drawing.note.startswith(" In 2 of 3 fits the validation loss rose by more than 10 %")
    final = table.assign(validation_loss=float("nan"))  # a last fit on all cases has none
    steady = draw_training_curves("net", "Net", pd.concat([table[table.fit == "fold2"], final]))
    assert not steady.note
