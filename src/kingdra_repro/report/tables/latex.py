"""Tables in LaTeX, with the package booktabs."""

from kingdra_repro.report.tables.layout import EMPTY, Entry, Layout

_SPECIAL = {
    **{character: f"\\{character}" for character in "&%$#_{}"},
    **{"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"},
    **{"−": "$-$", "±": r"$\pm$", "–": "--", "<": r"\textless{}", ">": r"\textgreater{}"},
}


def latex(table: Layout, title: str, caption: str, label: str) -> str:
    r"""Return a table environment labelled ``tab:<label>``; it needs ``\usepackage{booktabs}``."""
    rows = [
        " & ".join([_name(line.name, line.is_paper), *(_entry(one) for one in line.entries)]) + r" \\"
        for line in table.lines
    ]
    heading = " & ".join(["", *map(_escaped, table.columns)]) + r" \\"
    notes = [rf"\textsuperscript{{{mark}}} {_escaped(note)}." for mark, note in table.notes.items()]
    lines = [
        r"\begin{table}",
        r"\centering",
        rf"\caption{{{_escaped(title)}. {_escaped(caption)}}}",
        rf"\label{{tab:{label}}}",
        r"\footnotesize",
        r"\setlength{\tabcolsep}{4pt}",
        rf"\begin{{tabular}}{{l{'r' * len(table.columns)}}}",
        r"\toprule",
        heading,
        r"\midrule",
        *rows,
        r"\bottomrule",
        r"\end{tabular}",
        *([r"\par\smallskip\raggedright", " \\\\\n".join(notes)] if notes else []),
        r"\end{table}",
    ]
    return "\n".join(lines) + "\n"


def _name(name: str, is_paper: bool) -> str:
    return rf"\quad\textit{{{_escaped(name)}}}" if is_paper else _escaped(name)


def _entry(one: Entry) -> str:
    if one.text == EMPTY and not one.mark:
        return ""
    n = rf"\textsubscript{{{one.n}}}" if one.n else ""
    difference = f" {_escaped(one.difference_text)}" if one.difference_text else ""
    mark = rf"\textsuperscript{{{one.mark}}}" if one.mark else ""
    return f"{_escaped(one.text)}{n}{difference}{mark}"


def _escaped(text: str) -> str:
    return "".join(_SPECIAL.get(character, character) for character in " ".join(text.split()))
