"""The README's results section, from the files in results/."""

from pathlib import Path

import pandas as pd

from kingdra_repro.errors import InputError
from kingdra_repro.report.tables.captions import figure_titles
from kingdra_repro.report.tables.summary import summary
from kingdra_repro.reproduce.experiments import experiments

BEGIN = "<!-- results: made by `make readme` from results/; changes here are overwritten -->"
END = "<!-- end of results -->"


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
    table_2 = results / "tables" / "table2.csv"
    if table_2.exists():
        parts.append(f"{summary(pd.read_csv(table_2))}\n")
    shown = [one for one in experiments() if one.in_readme]
    tables = (results / "tables" / f"{name}.md" for one in shown for name in one.tables)
    parts += [path.read_text() for path in tables if path.exists()]
    for name, title in figure_titles().items():
        if any(name == one.name for one in shown) and (results / "figures" / f"{name}.png").exists():
            parts.append(f"![{title}](results/figures/{name}.png)\n\n*{title}.*\n")
    return "\n".join(parts or ["No tables yet: `make reproduce-all` makes them.\n"])
