"""Write report.html of a results folder or of one run."""

import base64
from html import escape
from pathlib import Path

from kingdra_repro.checks import is_integer
from kingdra_repro.errors import InputError
from kingdra_repro.files import write_text
from kingdra_repro.provenance import code_version
from kingdra_repro.report.page.choose_runs import choose_runs
from kingdra_repro.report.page.document import document
from kingdra_repro.report.page.runs import FACT_LABELS, format_fact, run_entry, run_name, runs_section
from kingdra_repro.report.tables.captions import caption, figure_titles, title
from kingdra_repro.report.tables.cells import read_tables
from kingdra_repro.report.tables.html import html
from kingdra_repro.report.tables.layout import Layout, layout
from kingdra_repro.report.tables.summary import completion_lines
from kingdra_repro.reproduce.store import read_histories, read_rows
from kingdra_repro.runs.reading import (
    RESTORE,
    read_command,
    read_history,
    read_result,
    read_shown,
    reporting_damage,
)

# Columns of the table of all runs.
SHOWN = ("dataset", "acc", "nmi", "agreement", "n_pseudo_labels", "wall_seconds", "finished", "commit")
KINDS = {".svg": "image/svg+xml", ".png": "image/png"}
# bytes; drawings of many points are smaller as PNG
LARGEST_SVG = 600_000


def write_report(results: Path) -> Path:
    """Write ``report.html`` into a results folder, from its runs.csv, history/, tables/, figures/ and shown/.

    Raises InputError if the folder or its runs.csv does not exist, or if one of its files is damaged.
    """
    if not (results / "runs.csv").is_file():
        raise InputError(f"results={results}: there is no runs.csv in it: name a folder that has one")
    rows = read_rows(results)
    with reporting_damage(results / "runs.csv", RESTORE):
        histories = read_histories(results)
        entries = {
            row["folder"]: run_entry(row, row.get("command"), histories.get(row["folder"])) for row in rows
        }
        listed = [_listed(row) for row in rows]
    tables, sections = _tables(results)
    chosen = choose_runs(rows, tables, results)
    parts = {
        "Tables": ("tables", sections),
        "Figures": ("figures", _figures(results / "figures")),
        "Clusters": ("clusters", _explorers(list(chosen))),
        "Runs": ("runs", runs_section(listed)),
    }
    lead = (
        "The paper: Gupta, Ramjee, Kwatra, Sivathanu, “Unsupervised Clustering using "
        "Pseudo-semi-supervised Learning”, ICLR 2020. A number is the mean over n runs with their standard "
        "deviation (n − 1) in brackets. Below it is the difference to the paper's "
        "number (<span class='key above'>▲ blue: above</span>, "
        "<span class='key below'>▼ orange: below</span>), "
        "and the paper's number in small. A click on a number opens its runs, a click on a heading sorts."
    )
    page = document(
        "Kingdra: results beside the paper's",
        _body("Kingdra: results beside the paper's", lead, parts),
        {"runs": entries, "explorers": chosen},
    )
    write_text(results / "report.html", page)
    return results / "report.html"


def write_run_report(folder: Path) -> Path:
    """Write ``report.html`` into the folder of one finished run; classes need not be known.

    Raises InputError if the folder does not exist, its run is not finished, or one of its files is damaged.
    """
    if not folder.is_dir():
        wrong = "is a file: name the folder of a run" if folder.exists() else "does not exist: name one"
        raise InputError(f"run={folder} {wrong} below outputs/")
    if not (folder / "result.json").is_file():
        raise InputError(
            f"run={folder}: there is no result.json in it: name a run's folder, and let the run finish first"
        )
    result = read_result(folder)
    with reporting_damage(folder / "result.json") as path:
        entry = run_entry(result, read_command(folder), read_history(folder))
        if not all(is_integer(result[name], 1) for name in ("n", "k")):
            raise InputError(f"{path} is damaged: n and k must be integers; make the run again")
    explorer = read_shown(folder, "explorer.json")
    one = {"folder": "run", "name": run_name(result), "explorer": explorer}
    chosen = {}
    clusters = (
        '<p class="card">This run has no explorer.json: it was made by an older version. '
        "Remove its folder and repeat the command to have its clusters shown.</p>"
    )
    if explorer is not None:
        chosen = {result["dataset"]: [{**one, "map": read_shown(folder, "map.json")}]}
        clusters = _explorers(list(chosen))
    parts = {
        "Clusters": ("clusters", clusters),
        "Run": ("run", '<section class="card run" data-run="run"></section>'),
    }
    title = f"{result['dataset']}: {result['k']} clusters of {result['n']:,} points"
    lead = f"Found by {escape(run_name(result))}."
    page = document(title, _body(title, lead, parts), {"runs": {"run": entry}, "explorers": chosen})
    write_text(folder / "report.html", page)
    return folder / "report.html"


def _tables(results: Path) -> tuple[dict[str, Layout], str]:
    """Return all tables of a results folder, by name, and their sections as HTML."""
    tables, sections = {}, []
    for name, table in read_tables(results).items():
        with reporting_damage(results / "tables" / f"{name}.csv"):
            tables[name] = layout(table)
        sections.append(html(tables[name], title(name), caption(name), name, completion_lines(table)))
    return tables, "\n".join(sections)


def _figures(folder: Path) -> str:
    """Return the figures of a folder as HTML: NAME.svg, or NAME.png if the SVG is large or missing.

    The folder may be missing. Figures are embedded as images, in which no script runs and nothing is loaded.
    """
    found = {path.stem for kind in KINDS for path in folder.glob(f"*{kind}")}
    titles = {name: title for name, title in figure_titles().items() if name in found}
    titles |= {name: name for name in sorted(found - set(titles))}
    return "\n".join(_figure(folder, name, title) for name, title in titles.items())


def _figure(folder: Path, name: str, title: str) -> str:
    svg, png = folder / f"{name}.svg", folder / f"{name}.png"
    large = svg.exists() and svg.stat().st_size > LARGEST_SVG and png.exists()
    path = svg if svg.exists() and not large else png
    content = base64.b64encode(path.read_bytes()).decode()
    title = escape(title)
    return (
        f'<figure class="card"><figcaption>{title}</figcaption>'
        f'<div class="scroll" role="region" tabindex="0" aria-label="{title}">'
        f'<img src="data:{KINDS[path.suffix]};base64,{content}" alt="{title}"></div></figure>'
    )


def _listed(row: dict[str, str]) -> dict[str, str]:
    """Return a row of runs.csv for the table of all runs."""
    listed = {"folder": row["folder"], "run": run_name(row)}
    for name in SHOWN:
        value = row.get(name)
        text = format_fact(name, value) if value else ""
        listed[FACT_LABELS[name]] = code_version(text) if name == "commit" and text else text
    return listed


def _explorers(datasets: list[str]) -> str:
    """Return the sections that the scripts fill with explorers; links to them if there are several."""
    links = [f'<a href="#clusters-{i}">{escape(dataset)}</a>' for i, dataset in enumerate(datasets)]
    places = [
        f'<section class="card explorer" id="clusters-{i}" data-dataset="{escape(dataset)}">'
        f"<h3>{escape(dataset)}</h3>"
        "<noscript>The clusters are shown by a script, which this browser does not run.</noscript></section>"
        for i, dataset in enumerate(datasets)
    ]
    jump = [f'<nav class="jump" aria-label="Data sets">{"".join(links)}</nav>'] if len(links) > 1 else []
    return "\n".join([*jump, *places])


def _body(title: str, lead: str, parts: dict[str, tuple[str, str]]) -> str:
    """Return the header, links to the parts, and the parts that are not empty."""
    shown = {name: part for name, part in parts.items() if part[1]}
    links = "".join(f'<a href="#{anchor}">{name}</a>' for name, (anchor, _) in shown.items())
    sections = "\n".join(
        f'<section class="part" id="{anchor}"><h2>{name}</h2>\n{content}\n</section>'
        for name, (anchor, content) in shown.items()
    )
    return f"""<header>
<h1>{escape(title)}</h1>
<p>{lead}</p>
<nav aria-label="Parts of this page">{links}</nav>
</header>
<main>
{sections}
</main>"""
