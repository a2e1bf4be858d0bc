import pandas as pd

from skiagram.report.sections.training import draw_training_curves


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
    assert drawing is not None
    assert drawing.name == "training_net"
    assert "loss, accuracy by epoch of 1 fits" in drawing.description
    assert "validation accuracy 0.750" in drawing.description


def test_nothing_recorded_gives_no_figure() -> None:
    assert draw_training_curves("net", "Net", pd.DataFrame({"fit": [], "epoch": []})) is None
    only_rate = pd.DataFrame({"fit": ["a"], "epoch": [0], "learning_rate": [0.1]})
    assert draw_training_curves("net", "Net", only_rate) is None
