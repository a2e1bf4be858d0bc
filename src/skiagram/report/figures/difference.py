"""The difference that the verdict is on, against 0 and the margin."""

from matplotlib.axes import Axes

from skiagram.evaluation.results import Evaluation
from skiagram.report.drawing import ARM_COLOUR, INK, MUTED
from skiagram.report.numbers import difference


def has_difference(evaluation: Evaluation) -> bool:
    """Return whether both arms were compared and the difference has an interval."""
    found = evaluation.difference
    return found is not None and found.low is not None and found.high is not None


def difference_panel(axes: Axes, evaluation: Evaluation) -> None:
    """Draw best network minus best classical model; inside the grey band nothing counts."""
    found, margin = evaluation.difference, evaluation.margin
    if found is None or found.value is None or found.low is None or found.high is None:
        return
    ahead = ARM_COLOUR["deep" if found.value > 0 else "classical"]
    axes.axvspan(-margin, margin, color=MUTED, alpha=0.18, linewidth=0)
    axes.plot([found.low, found.high], [0, 0], color=ahead, linewidth=2.2)
    axes.plot(found.value, 0, marker="s", markersize=7, color=ahead)
    reach = 1.15 * max(abs(found.low), abs(found.high), 1.5 * margin)
    axes.set_xlim(-reach, reach)
    axes.set_ylim(-1, 1)
    axes.set_yticks([0], ["Best network minus\nbest classical model"])
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    axes.locator_params(axis="x", nbins=5)
    axes.set_xlabel("difference in AUC; grey: within the margin")
    axes.axvline(0, color=MUTED, linewidth=0.9, zorder=0)
    for at, words, side in ((0, "← classical", "left"), (1, "network →", "right")):
        axes.annotate(
            words, (at, 1), (0, 2), xycoords="axes fraction", textcoords="offset points",
            ha=side, va="bottom", color=MUTED, fontsize=7.5,
        )  # fmt: skip
    axes.annotate(
        difference(found).replace(" (", "\n("), (1.02, 0), xycoords=("axes fraction", "data"),
        va="center", annotation_clip=False, color=INK, fontsize=8,
    )  # fmt: skip
