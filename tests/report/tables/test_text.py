"""The exact text of Markdown and LaTeX tables."""

import pytest

from kingdra_repro.report.tables.cells import cell, table
from kingdra_repro.report.tables.latex import latex
from kingdra_repro.report.tables.layout import Entry, Layout, Line, layout
from kingdra_repro.report.tables.markdown import markdown

TABLE = table(
    [
        cell("Kingdra", "MNIST", "file", "published", [97, 98.5, 99], (98.5, 0.01), "", ["a", "b", "c"]),
        cell("Kingdra", "STL", "file", "-", [], (95.1, None), "not run", []),
        cell("Kingdra", "MNIST", "shuffled", "short", [98.54], (98.5, 0.01), "short: x_y=1", ["d"]),
        cell("Kingdra", "STL", "shuffled", "-", [], (95.1, None), "not run", []),
        cell("A & B", "MNIST", "-", "published", [1234.4, 1236.4], (None, None), "", ["e", "f"]),
    ]
)

MARKDOWN = """\
### A title

What it shows.

|  | MNIST | STL |
| --- | ---: | ---: |
| Kingdra, file order | 98.2 (1.0)<sub>3</sub> −0.3 | –<sup>a</sup> |
| Kingdra, shuffled | 98.5<sub>1</sub> ±0.0<sup>b</sup> | –<sup>a</sup> |
| *the paper* | *98.5 (0.01)* | *95.1* |
| A &amp; B | 1,235 (1.4)<sub>2</sub> | – |

<sup>a</sup> not run<br>
<sup>b</sup> short: x\\_y=1
"""

LATEX = r"""\begin{table}
\centering
\caption{A title. What it shows.}
\label{tab:name}
\footnotesize
\setlength{\tabcolsep}{4pt}
\begin{tabular}{lrr}
\toprule
 & MNIST & STL \\
\midrule
Kingdra, file order & 98.2 (1.0)\textsubscript{3} $-$0.3 & --\textsuperscript{a} \\
Kingdra, shuffled & 98.5\textsubscript{1} $\pm$0.0\textsuperscript{b} & --\textsuperscript{a} \\
\quad\textit{the paper} & 98.5 (0.01) & 95.1 \\
A \& B & 1,235 (1.4)\textsubscript{2} &  \\
\bottomrule
\end{tabular}
\par\smallskip\raggedright
\textsuperscript{a} not run. \\
\textsuperscript{b} short: x\_y=1.
\end{table}
"""


def test_markdown():
    assert markdown(layout(TABLE), "A title", "What it shows.") == MARKDOWN


def test_latex():
    assert latex(layout(TABLE), "A title", "What it shows.", "name") == LATEX


@pytest.mark.parametrize(
    ("nasty", "in_markdown", "in_latex"),
    [
        ("a | b", r"a \| b", "a | b"),
        ("<b>\n50% $x$", "&lt;b&gt; 50% $x$", r"\textless{}b\textgreater{} 50\% \$x\$"),
        (r"C:\x_*", r"C:\\x\_\*", r"C:\textbackslash{}x\_*"),
    ],
)
def test_text_of_runs_is_shown_as_it_is(nasty, in_markdown, in_latex):
    one = Layout(["MNIST"], [Line("row", "", [Entry("–", mark="a")], is_paper=False)], {"a": nasty})
    assert f"<sup>a</sup> {in_markdown}\n" in markdown(one, "t", "c")
    assert rf"\textsuperscript{{a}} {in_latex}." in latex(one, "t", "c", "l")


def test_no_runs():
    assert markdown(layout(table([])), "t", "c").endswith("No runs yet.\n")


def test_more_notes_than_letters():
    cells = [cell("row", str(i), "-", "-", [], (None, None), f"note {i}", []) for i in range(30)]
    notes = layout(table(cells)).notes
    assert (notes["z"], notes["aa"], notes["ad"]) == ("note 25", "note 26", "note 29")
