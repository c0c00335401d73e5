"""Tables in GitHub's Markdown."""

import html

from kingdra_repro.report.tables.layout import EMPTY, Entry, Layout


def markdown(table: Layout, title: str, caption: str) -> str:
    """Return the table below its title and caption, followed by its notes."""
    head = [f"### {_escaped(title)}", "", _escaped(caption), ""]
    if not table.lines:
        return "\n".join([*head, "No runs yet.", ""])
    lines = [
        _line(["", *map(_escaped, table.columns)]),
        _line(["---", *["---:"] * len(table.columns)]),
        *(
            _line([_name(line.name, line.is_paper), *(_entry(one, line.is_paper) for one in line.entries)])
            for line in table.lines
        ),
    ]
    notes = [f"<sup>{mark}</sup> {_escaped(note)}" for mark, note in table.notes.items()]
    below = ["", "<br>\n".join(notes)] if notes else []
    return "\n".join([*head, *lines, *below, ""])


def _line(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _name(name: str, is_paper: bool) -> str:
    return f"*{_escaped(name)}*" if is_paper else _escaped(name)


def _entry(one: Entry, is_paper: bool) -> str:
    text = f"*{one.text}*" if is_paper and one.text != EMPTY else one.text
    n = f"<sub>{one.n}</sub>" if one.n else ""
    difference = f" {one.difference_text}" if one.difference_text else ""
    mark = f"<sup>{one.mark}</sup>" if one.mark else ""
    return f"{text}{n}{difference}{mark}"


def _escaped(text: str) -> str:
    """Escape text from runs (a failed run's last line): no markup, and no end of the cell or line."""
    text = html.escape(" ".join(text.split()), quote=False)
    for character in "\\|*_`[]~":
        text = text.replace(character, f"\\{character}")
    return text
