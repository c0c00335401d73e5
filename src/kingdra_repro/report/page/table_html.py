"""A table of results/ as HTML: ours, the difference to the paper in colour and sign, the paper's."""

from collections.abc import Sequence
from html import escape

from kingdra_repro.report.page.tables import NOT_PERCENT, WITHOUT_ORDER, Cell, Table
from kingdra_repro.report.tables.captions import ORDERS, caption
from kingdra_repro.report.tables.layout import letters, rounded, signed
from kingdra_repro.report.tables.planned_cells import NOT_IN_FILE_ORDER, NOT_PLANNED

FULL_COLOUR = 20.0  # difference that has the strongest colour
UNPLANNED = (NOT_PLANNED, NOT_IN_FILE_ORDER)
# Cells whose schedule is one of these need no mark.
AS_PUBLISHED = ("published", "", "-")


def table_section(table: Table) -> str:
    """The section of one table: title, caption, what is filled, the table in a box of its own, footnotes."""
    marks = _marks(table.cells)
    head = "".join(_sort_header(name, "col") for name in ("", *table.columns))
    rows = "\n".join(_row(table, name, order, marks) for name, order in table.rows)
    notes = "".join(f"<li><b>{mark}</b> {escape(note)}</li>" for note, mark in marks.items())
    return f"""<section class="card table" id="table-{escape(table.name)}">
<h3>{escape(table.title)}</h3>
<p class="muted">{escape(caption(table.name))}</p>
{filled(table)}
<div class="scroll" role="region" tabindex="0" aria-label="{escape(table.title)}">
<table class="results">
<thead><tr>{head}</tr></thead>
<tbody>
{rows}
</tbody>
</table>
</div>
{f'<ul class="notes">{notes}</ul>' if notes else ""}
</section>"""


def filled(table: Table) -> str:
    """How many planned cells are filled, and how many as good as the paper's, for each order of batches."""
    orders = list(dict.fromkeys(cell.order for cell in table.cells))
    lines = []
    for order in orders:
        cells = [
            cell
            for row, of_row in table.rows
            for column in table.columns
            if of_row == order and (cell := table.cell(row, of_row, column)) and cell.note not in UNPLANNED
        ]
        with_ours = [cell for cell in cells if cell.mean is not None]
        compared = [cell for cell in with_ours if cell.paper_mean is not None]
        line = f"{len(with_ours)} of {len(cells)} cells filled"
        if compared:
            good = sum(cell.as_good for cell in compared)
            line += f"; {good} of {len(compared)} at the paper's mean less its std, or above"
        name = "methods without an order" if order in WITHOUT_ORDER else escape(ORDERS.get(order, order))
        lines.append(f"{name}: {line}" if len(orders) > 1 else line)
    return f'<p class="muted">{".<br>".join(lines)}.</p>'


def value_text(value: float, percent: bool = True) -> str:
    """As in the tables of results/, but whole numbers without a decimal where they are counts."""
    return f"{value:,.0f}" if not percent and value == int(value) else rounded(value)


def mean_text(mean: float, std: float | None, percent: bool = True) -> str:
    """``97.9 (0.4)``, or the mean alone where there is no std."""
    if std is None:
        return value_text(mean, percent)
    return f"{value_text(mean, percent)} ({value_text(std, percent)})"


def difference_text(difference: float) -> str:
    """With a sign and an arrow, for readers to whom the colours look alike."""
    text = signed(difference)
    return "= paper" if text.startswith("±") else f"{'▲' if difference > 0 else '▼'} {text}"


def _row(table: Table, name: str, order: str, marks: dict[str, str]) -> str:
    tag = "" if order in WITHOUT_ORDER else f' <span class="tag">{escape(ORDERS.get(order, order))}</span>'
    percent = table.name not in NOT_PERCENT
    cells = []
    for column in table.columns:
        place = ", ".join(part for part in (name, ORDERS.get(order, order), column) if part.strip("-"))
        cells.append(_cell(table.cell(name, order, column), f"{table.title}: {place}", percent, marks))
    return f'<tr><th scope="row" data-value="{escape(name)}">{escape(name)}{tag}</th>{"".join(cells)}</tr>'


def _cell(cell: Cell | None, title: str, percent: bool, marks: dict[str, str]) -> str:
    if cell is None:
        return '<td class="empty"></td>'
    paper = ""
    if cell.paper_mean is not None:
        paper = f'<span class="paper">{mean_text(cell.paper_mean, cell.paper_std, percent)}</span>'
    if cell.mean is None:
        why = f'<span class="why">{escape(cell.note or "not run")}</span>'
        return f'<td class="empty">{why}{paper}</td>'
    mark = marks.get(_note(cell), "")
    raised = f"<sup>{mark}</sup>" if mark else ""
    ours = f'<span class="mean">{mean_text(cell.mean, cell.std, percent)}{raised}</span>'
    n = f'<span class="n">n = {cell.n}</span>' if cell.n else ""
    sign, colour, difference = "", "", ""
    if cell.difference is not None:
        difference = f'<span class="difference">{difference_text(cell.difference)}</span>'
        sign = "above" if cell.difference >= 0 else "below"
        share = min(1.0, abs(cell.difference) / FULL_COLOUR)
        colour = f' style="--strength: {10 + 25 * share:.0f}%"'
    about = [f"ours {mean_text(cell.mean, cell.std, percent)}", f"n = {cell.n}"]
    if cell.paper_mean is not None and cell.difference is not None:
        about.append(f"the paper {mean_text(cell.paper_mean, cell.paper_std, percent)}")
        about.append(f"difference {difference_text(cell.difference)}")
    about += [note for note in (_note(cell),) if note]
    return (
        f'<td class="{sign}" data-value="{cell.mean!r}"{colour}>'
        f'<button type="button" class="cell" data-title="{escape(title)}" '
        f'data-about="{escape("; ".join(about))}" data-runs="{escape(";".join(cell.runs))}">'
        f"{ours}{n}{difference}{paper}</button></td>"
    )


def _note(cell: Cell) -> str:
    """What is special about a filled cell."""
    if cell.schedule in AS_PUBLISHED:
        return cell.note
    return cell.note or f"{cell.schedule} schedule"


def _marks(cells: Sequence[Cell]) -> dict[str, str]:
    """A letter for each note of a filled cell."""
    notes = dict.fromkeys(_note(cell) for cell in cells if cell.mean is not None and _note(cell))
    return {note: letters(number) for number, note in enumerate(notes)}


def _sort_header(name: str, scope: str) -> str:
    return (
        f'<th scope="{scope}" aria-sort="none"><button type="button" class="sort">'
        f'{escape(name) or "name"}<span class="arrow" aria-hidden="true"></span></button></th>'
    )


def runs_section(rows: Sequence[dict[str, str]]) -> str:
    """All runs, in a table whose lines open their details.

    Parameters
    ----------
    rows : sequence of dict
        With ``folder`` and the values as text, by heading; all of the same keys.
    """
    if not rows:
        return ""
    headings = [name for name in rows[0] if name != "folder"]
    head = "".join(_sort_header(name, "col") for name in headings)
    body = "\n".join(
        "<tr>" + "".join(_run_value(row, heading, headings[0]) for heading in headings) + "</tr>"
        for row in rows
    )
    return f"""<section class="card table" id="all-runs">
<h3>All {len(rows):,} runs</h3>
<div class="scroll tall" role="region" tabindex="0" aria-label="All runs">
<table class="plain">
<thead><tr>{head}</tr></thead>
<tbody>
{body}
</tbody>
</table>
</div>
</section>"""


def _run_value(row: dict[str, str], heading: str, first: str) -> str:
    text = row[heading]
    if heading == first:
        return (
            f'<th scope="row" data-value="{escape(text)}"><button type="button" class="link" '
            f'data-title="{escape(text)}" data-about="" data-runs="{escape(row["folder"])}">'
            f"{escape(text)}</button></th>"
        )
    return f'<td data-value="{escape(text.replace(",", ""))}">{escape(text)}</td>'
