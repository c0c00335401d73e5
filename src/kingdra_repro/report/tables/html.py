"""Tables of the page: coloured and signed differences to the paper, and the runs behind each number."""

from collections.abc import Sequence
from html import escape

from kingdra_repro.report.tables.layout import EMPTY, Entry, Layout, Line

FULL_COLOUR = 20.0  # difference from which on the colour is strongest


def html(table: Layout, title: str, caption: str, name: str, completion: Sequence[str]) -> str:
    """Return one table's section: title, caption, how much is filled, the table in a scroll box, notes.

    Its anchor is ``#table-<name>``. `completion` holds lines of text, see `summary.completion_lines`.
    """
    head = "".join(sort_header(one) for one in ("", *table.columns))
    rows = "\n".join(_row(table, line, title) for line in table.lines if not line.is_paper)
    notes = "".join(f"<li><b>{mark}</b> {escape(note)}</li>" for mark, note in table.notes.items())
    return f"""<section class="card table" id="table-{escape(name)}">
<h3>{escape(title)}</h3>
<p class="muted">{escape(caption)}</p>
<p class="muted">{".<br>".join(escape(line, quote=False) for line in completion)}.</p>
<div class="scroll" role="region" tabindex="0" aria-label="{escape(title)}">
<table class="results">
<thead><tr>{head}</tr></thead>
<tbody>
{rows}
</tbody>
</table>
</div>
{f'<ul class="notes">{notes}</ul>' if notes else ""}
</section>"""


def sort_header(name: str) -> str:
    """Return a column heading that sorts on click; see page.js."""
    return (
        '<th scope="col" aria-sort="none"><button type="button" class="sort">'
        f'{escape(name) or "name"}<span class="arrow" aria-hidden="true"></span></button></th>'
    )


def _row(table: Layout, line: Line, title: str) -> str:
    tag = f' <span class="tag">{escape(line.order)}</span>' if line.order else ""
    entries = "".join(
        _entry(entry, f"{title}: {line.name}, {column}", table.notes.get(entry.mark, ""))
        for column, entry in zip(table.columns, line.entries, strict=True)
    )
    return f'<tr><th scope="row" data-value="{escape(line.row)}">{escape(line.row)}{tag}</th>{entries}</tr>'


def _entry(one: Entry, place: str, note: str) -> str:
    mark = f"<sup>{one.mark}</sup>" if one.mark else ""
    paper = f'<span class="paper">{one.paper}</span>' if one.paper else ""
    if one.mean is None:
        why = f'<span class="why" title="{escape(note)}">{EMPTY}{mark}</span>' if mark else ""
        return f'<td class="empty">{why}{paper}</td>'
    sign, colour, difference = "", "", ""
    about = [f"ours {one.text}", f"n = {one.n}"]
    if one.difference_value is not None:
        difference = f'<span class="difference">{_arrow(one.difference_text)}</span>'
        about += [f"the paper {one.paper}", f"difference {_arrow(one.difference_text)}"]
        sign = "above" if one.difference_value >= 0 else "below"
        share = min(1.0, abs(one.difference_value) / FULL_COLOUR)
        colour = f' style="--strength: {10 + 25 * share:.0f}%"'
    about += [note] if note else []
    return (
        f'<td class="{sign}" data-value="{one.mean!r}"{colour}>'
        f'<button type="button" class="cell" data-title="{escape(place)}" '
        f'data-about="{escape("; ".join(about))}" data-runs="{escape(";".join(one.runs))}">'
        f'<span class="mean">{one.text}{mark}</span><span class="n">n = {one.n}</span>{difference}{paper}'
        "</button></td>"
    )


def _arrow(difference: str) -> str:
    """Add an arrow, for readers who cannot tell the colours apart."""
    if difference.startswith("±"):
        return "= paper"
    return f"{'▲' if difference.startswith('+') else '▼'} {difference}"
