"""The results as shown in the README and the documentation, from the files in results/."""

from pathlib import Path

import pandas as pd

from kingdra_repro.errors import InputError
from kingdra_repro.report.tables.captions import figure_titles, table_names
from kingdra_repro.report.tables.layout import Entry, layout
from kingdra_repro.report.tables.summary import compared_cells, summary
from kingdra_repro.reproduce.experiments import experiments

BEGIN = "<!-- results: made by `make readme` from results/; changes here are overwritten -->"
END = "<!-- end of results -->"
CAPTION = (
    "Clustering accuracy in percent, ours / the paper's: mean (standard deviation over seeds); for ours, the "
    "number of runs is the subscript. Only MNIST is exactly the paper's data. Rows without a number of the "
    "paper are ours; their settings were found with labels in view. The [full table]"
    "(results/tables/table2.md) has both orders of the batches and the schedule of each cell."
)


def update_results_section(readme: str, results: Path) -> str:
    """Return the text of the README with its results section regenerated from the folder results/.

    Raises InputError unless the two comments that enclose the section each occur once, in order.
    """
    if readme.count(BEGIN) != 1 or readme.count(END) != 1 or readme.index(BEGIN) > readme.index(END):
        raise InputError(f"README.md: the results go between the lines {BEGIN} and {END}: put them back")
    before, _, rest = readme.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n\n{_section(results)}\n{END}{after}"


def all_tables(results: Path) -> str:
    """Return all tables of a results folder in Markdown, below the summary of Table 2."""
    table_2 = results / "tables" / "table2.csv"
    head = [f"{summary(pd.read_csv(table_2))}\n"] if table_2.exists() else []
    paths = (results / "tables" / f"{name}.md" for name in table_names())
    return "\n".join([*head, *(path.read_text() for path in paths if path.exists())])


def _section(results: Path) -> str:
    parts = []
    table_2 = results / "tables" / "table2.csv"
    if table_2.exists():
        table = pd.read_csv(table_2)
        parts += [f"{summary(table)}\n", short_table(table), f"{CAPTION}\n"]
    shown = {one.name for one in experiments() if one.in_readme}
    for name, title in figure_titles().items():
        if name in shown and (results / "figures" / f"{name}.png").exists():
            parts.append(f"![{title}](results/figures/{name}.png)\n")
    return "\n".join(parts or ["No tables yet: `make reproduce-all` makes them.\n"])


def short_table(table: pd.DataFrame) -> str:
    """Return a table with a line per method and a column per data set: our accuracy / the paper's.

    If there are several batch orders, it shows the one that is compared with the paper. A method with neither
    a run nor a number in the paper is left out.
    """
    found = layout(compared_cells(table).assign(order="-", note=""))
    head = [f"|  | {' | '.join(found.columns)} |", f"| --- |{' ---: |' * len(found.columns)}"]
    lines = [
        f"| {line.name} | {' | '.join(map(_cell, line.entries))} |"
        for line in found.lines
        if not line.is_paper and any(entry.n or entry.paper for entry in line.entries)
    ]
    return "\n".join([*head, *lines, ""])


def _cell(entry: Entry) -> str:
    ours = f"{entry.text}<sub>{entry.n}</sub>" if entry.n else entry.text
    return f"{ours} / {entry.paper}" if entry.paper else ours
