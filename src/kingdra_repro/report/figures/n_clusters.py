"""Figure of the label-free measures against the number of clusters."""

from pathlib import Path
from textwrap import fill

import matplotlib
from matplotlib.ticker import MaxNLocator

from kingdra_repro.evaluation.n_clusters import NumberOfClusters
from kingdra_repro.evaluation.without_labels import MEASURES
from kingdra_repro.report.figures.style import BLACK, CYCLE, GREY, MARKERS, STYLE, new_figure, save

WIDTH = 55  # characters per line of the title, which spans only the panel


def draw_n_clusters(choice: NumberOfClusters, path: Path, title: str = "") -> None:
    """Draw one line per measure and the score that decides; a dashed line marks the recommended number.

    The title names the data of the runs.
    """
    with matplotlib.rc_context(STYLE):
        figure = new_figure(3.0)
        panel = figure.subplots()
        panel.axvline(choice.n_clusters, color=GREY, linestyle="--", linewidth=1)
        for (name, label), color, marker in zip(MEASURES.items(), CYCLE, MARKERS, strict=False):
            values = choice.table[name].astype(float)
            if values.notna().any():
                panel.plot(choice.table["k"], values, color=color, marker=marker, linewidth=0.9, label=label)
        panel.plot(choice.table["k"], choice.table["score"], color=BLACK, linewidth=2, label="score")
        panel.set_xlabel(f"number of clusters (recommended: {choice.n_clusters})")
        panel.xaxis.set_major_locator(MaxNLocator(integer=True))
        panel.set_title(fill(title, WIDTH), parse_math=False)  # a path may contain a $
        figure.legend(loc="outside right upper", frameon=False)
        save(figure, path)
