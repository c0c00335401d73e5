"""The long-form tables: reading them back, the sentences that count cells, and the HTML."""

import pandas as pd
import pytest

from kingdra_repro.errors import InputError
from kingdra_repro.report.tables.cells import NOT_IN_FILE_ORDER, cell, read_tables, table
from kingdra_repro.report.tables.html import html
from kingdra_repro.report.tables.layout import layout
from kingdra_repro.report.tables.summary import completion_lines


def one(row="Kingdra", column="MNIST", order="file", values=(), paper=(98.5, 0.4), note="", runs=()):
    return cell(row, column, order, "published", values, paper, note, runs)


def section(*cells, title="Table 2"):
    return html(layout(table(cells)), title, "What it shows", "table2", ["all filled"])


def test_tables_are_read_as_they_were_and_in_order(tmp_path):
    written = table(
        [
            one("10", values=[0.1 + 0.2, 1 / 3], runs=["runs/a", "runs/b"]),
            one("NA", "STL", paper=(None, None), note="not run"),
        ]
    )
    (tmp_path / "tables").mkdir()
    for name in ("mine", "cost", "table2"):
        written.to_csv(tmp_path / "tables" / f"{name}.csv", index=False)
    (tmp_path / "tables" / "runs.csv").write_text("row\n1\n")
    (tmp_path / "tables" / "empty.csv").touch()
    tables = read_tables(tmp_path)
    assert list(tables) == ["table2", "cost", "mine"]
    pd.testing.assert_frame_equal(tables["mine"], written, check_exact=True)


@pytest.mark.parametrize(("column", "value"), [("mean", "many"), ("n", "")])
def test_a_damaged_table_is_named(column, value, tmp_path):
    damaged = table([one(values=[1.0])]).astype(object)
    damaged[column] = value
    (tmp_path / "tables").mkdir()
    damaged.to_csv(tmp_path / "tables" / "table2.csv", index=False)
    with pytest.raises(InputError, match=r"table2\.csv is damaged"):
        read_tables(tmp_path)


def test_rows_of_one_name_are_together():
    page = section(
        one("A", values=[1.0]), one("B", values=[2.0]), one("A", order="shuffled", values=[3.0], note="why")
    )
    names = [part.partition('"')[0] for part in page.split('<th scope="row" data-value="')[1:]]
    assert names == ["A", "A", "B"]
    assert page.count('<span class="tag">shuffled</span>') == 1


def test_a_cell_that_is_there_twice_is_no_table():
    with pytest.raises(ValueError, match="twice"):
        layout(table([one(), one()]))


def test_how_many_cells_are_filled_and_as_good():
    lines = completion_lines(
        table(
            [
                one("K-means", order="-", values=[53.2], paper=(53.3, 0.1)),
                one("A", values=[98.0]),  # 0.5 below, std 0.4
                one("B", values=[98.1]),
                one("C", note="not run"),
                one("A", order="shuffled", values=[99.0]),
                one("B", order="shuffled", values=[50.0], paper=(None, None)),
                one("B", "STL", note=NOT_IN_FILE_ORDER),
            ]
        )
    )
    reached = "at or above the paper's mean minus its std"
    assert lines == [
        f"methods without an order: 1 of 1 cells filled; 1 of 1 {reached}",
        f"file order: 2 of 3 cells filled; 1 of 2 {reached}",
        f"shuffled: 2 of 2 cells filled; 1 of 1 {reached}",
    ]


@pytest.mark.parametrize(
    ("ours", "text", "sign"),
    [
        (101.24, "▲ +1.2", "above"),
        (99.4, "▼ −0.6", "below"),
        (100.04, "= paper", "above"),
        (-1134.0, "▼ −1,234", "below"),
    ],
)
def test_the_sign_is_shown_without_colour(ours, text, sign):
    page = section(one(values=[ours], paper=(100.0, None)))
    assert f'<span class="difference">{text}</span>' in page
    assert f'<td class="{sign}"' in page


def test_a_cell_its_mark_and_an_empty_one():
    page = section(
        one("A", values=[97.7, 98.1], note="4 iterations", runs=("runs/a", "runs/b")),
        one("B", note="failed: no memory"),
        one("C", values=[99.0]),
        one("C", "STL", values=[12], paper=(None, None)),
    )
    assert 'data-runs="runs/a;runs/b"' in page
    assert f'data-value="{(97.7 + 98.1) / 2!r}"' in page
    assert "97.9 (0.3)<sup>a</sup>" in page
    assert "<li><b>a</b> 4 iterations</li><li><b>b</b> failed: no memory</li>" in page
    about = "ours 97.9 (0.3); n = 2; the paper 98.5 (0.4); difference ▼ −0.6; 4 iterations"
    assert f'data-title="Table 2: A, file order, MNIST" data-about="{about}"' in page
    empty = '<td class="empty"><span class="why" title="failed: no memory">–<sup>b</sup></span>'
    assert f'{empty}<span class="paper">98.5 (0.4)</span></td>' in page
    assert page.count("<sup>") == 2
    assert page.count('class="cell"') == 3
    assert page.count('<td class="empty"></td>') == 2  # neither planned nor in the paper


def test_names_are_escaped():
    page = section(one('<b>"', '<td onclick="x">', values=[1.0], note="<u>"), title="<i>")
    for tag in ("<i>", "<b>", "<u>", "<td on"):
        assert tag not in page.replace("<b>a</b>", "")
    assert page.count("&lt;td onclick=&quot;x&quot;&gt;") >= 2
