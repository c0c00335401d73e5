"""The README's results section, from the files in results/."""

from pathlib import Path

import pandas as pd

from kingdra_repro.errors import InputError
from kingdra_repro.report.tables.summary import summary

BEGIN = "<!-- results: made by `make readme` from results/; changes here are overwritten -->"
END = "<!-- end of results -->"
TABLES = ("table2", "batch_order", "ensemble_size", "digits")
FIGURES = {
    "figure2": (
        "Accuracy and number of pseudo-labels against iterations (the paper's Figure 2); bands: all runs; "
        "dashed: the number of points"
    ),
    "figure3": "The graph of agreement of a sample of points (Figure 3)",
    "ensemble_size": "Accuracy against the number of models (C.1); bars: standard deviation over runs",
}


def with_results(readme: str, results: Path) -> str:
    """The README with its results section made anew.

    Parameters
    ----------
    readme : str, its text as it is
    results : Path, the folder results/

    Returns
    -------
    str

    Raises
    ------
    InputError
        Where the two comments that the section lies between are not there, each once and in order.
    """
    if readme.count(BEGIN) != 1 or readme.count(END) != 1 or readme.index(BEGIN) > readme.index(END):
        raise InputError(f"README.md: the results go between the lines {BEGIN} and {END}: put them back")
    before, _, rest = readme.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n\n{_section(results)}\n{END}{after}"


def _section(results: Path) -> str:
    parts = []
    table_2 = results / "table2.csv"
    if table_2.exists():
        parts.append(f"{summary(pd.read_csv(table_2))}\n")
    tables = (results / f"{name}.md" for name in TABLES)
    parts += [path.read_text() for path in tables if path.exists()]
    for name, title in FIGURES.items():
        if (results / "figures" / f"{name}.png").exists():
            parts.append(f"![{title}](results/figures/{name}.png)\n\n*{title}.*\n")
    return "\n".join(parts or ["No tables yet: `make reproduce-all` makes them.\n"])
