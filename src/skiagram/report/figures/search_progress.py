"""How far each model's search had come after each trial."""

from itertools import cycle

import numpy as np
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from skiagram.report.drawing import ARM_COLOUR, DASHES, OTHERS, Drawing, sheet, wrapped
from skiagram.report.numbers import decimal
from skiagram.studies.search.results import SearchedModel, SearchResult


def search_progress(result: SearchResult) -> Drawing:
    """Draw the highest mean AUC of any finished trial so far; the square is the option file's."""
    with sheet(3.3) as page:
        axes = page.figure.add_subplot()
        others, dashes = cycle(OTHERS), cycle(DASHES)
        words = []
        for one in result.models:
            deep = one.arm == "deep"
            colour, style = (ARM_COLOUR["deep"], next(dashes)) if deep else (next(others), "-")
            best = _best_so_far(one)
            number = np.arange(1, len(best) + 1)
            axes.plot(
                number, best, style, color=colour, drawstyle="steps-post",
                label=wrapped(one.title, 34),
            )  # fmt: skip
            axes.plot(number[:1], best[:1], "s", color=colour, markersize=4)
            words.append(f"{one.title} from {decimal(best[0])} to {decimal(best[-1])}")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.set_xlabel("trials made")
        axes.set_ylabel("highest mean AUC so far")
        axes.legend(loc="lower right")
        text = f"Highest mean AUC of any trial so far: {'; '.join(words)}."
        return page.finish("search-progress", text)


def _best_so_far(one: SearchedModel) -> NDArray[np.float64]:
    means = [
        float(np.mean(trial.fold_auc)) if trial.end == "finished" else np.nan
        for trial in one.trials
    ]
    return np.fmax.accumulate(np.array(means))
