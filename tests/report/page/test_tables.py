"""The long-form tables, read and as HTML."""

import csv

import pytest

from kingdra_repro.report.page.table_html import difference_text, filled, mean_text, table_section
from kingdra_repro.report.page.tables import Cell, Table, read_tables
from kingdra_repro.report.tables.planned_cells import NOT_IN_FILE_ORDER
from tests.report.page.made_up import HEAD, line


def cell(row="Kingdra", column="MNIST", order="file", mean=None, paper=(98.5, 0.4), **other):
    given = {"schedule": "published", "std": None, "n": 1, "note": "", "runs": (), **other}
    return Cell(row, column, order, mean=mean, paper_mean=paper[0], paper_std=paper[1], **given)


def write(path, lines, head=HEAD):
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, head)
        writer.writeheader()
        writer.writerows(lines)


def test_only_long_form_tables_are_read_and_in_order(tmp_path):
    one = line("K-means", "MNIST", "-", 53.25, "", (53.3, 0.1), "", "runs/a;runs/b")
    for name in ("mine", "cost", "table2"):
        write(tmp_path / f"{name}.csv", [one])
    write(tmp_path / "runs.csv", [{"row": 1}], ["row"])
    tables = read_tables(tmp_path)
    assert [table.name for table in tables] == ["table2", "cost", "mine"]
    (found,) = tables[0].cells
    assert (found.mean, found.std, found.n, found.runs) == (53.25, None, 2, ("runs/a", "runs/b"))
    assert found.difference == pytest.approx(-0.05)


def test_rows_of_one_name_are_together_and_the_filled_schedule_is_taken():
    cells = (
        cell("A", order="file"),
        cell("B"),
        cell("A", order="shuffled", mean=None, schedule="published"),
        cell("A", order="shuffled", mean=90.0, schedule="short"),
    )
    table = Table("table2", "Table 2", cells)
    assert table.rows == [("A", "file"), ("A", "shuffled"), ("B", "file")]
    assert table.cell("A", "shuffled", "MNIST").mean == 90.0
    assert table.cell("B", "file", "STL") is None


def test_how_many_cells_are_filled_and_as_good():
    cells = (
        cell("K-means", order="-", mean=53.2, paper=(53.3, 0.1)),
        cell("A", mean=98.0),  # 0.5 below, std 0.4
        cell("B", mean=98.1),
        cell("C"),
        cell("A", order="shuffled", mean=99.0),
        cell("B", order="shuffled", mean=50.0, paper=(None, None)),
        cell("B", "STL", note=NOT_IN_FILE_ORDER),
    )
    text = filled(Table("table2", "Table 2", cells))
    assert "methods without an order: 1 of 1 cells filled; 1 of 1 at the paper's mean less its std" in text
    assert "file order: 2 of 3 cells filled; 1 of 2 at" in text
    assert "shuffled: 2 of 2 cells filled; 1 of 1 at" in text


@pytest.mark.parametrize(
    ("difference", "text"), [(1.24, "▲ +1.2"), (-0.6, "▼ −0.6"), (0.04, "= paper"), (-1234.0, "▼ −1,234")]
)
def test_the_sign_is_told_without_colour(difference, text):
    assert difference_text(difference) == text


def test_numbers():
    assert mean_text(97.949, 0.31) == "97.9 (0.3)"
    assert mean_text(98.0, 0.01) == "98.0 (0.01)"
    assert mean_text(98.0, None) == "98.0"
    assert mean_text(12, None, percent=False) == "12"
    assert mean_text(45256.0, None, percent=False) == "45,256"


def test_a_cell_its_mark_and_an_empty_one():
    cells = (
        cell("A", mean=97.9, std=0.2, n=5, schedule="short", note="4 iterations", runs=("runs/a", "runs/b")),
        cell("B", note="failed: no memory"),
        cell("C", mean=99.0),
    )
    html = table_section(Table("table2", "Table 2", cells))
    assert 'data-runs="runs/a;runs/b"' in html
    assert "97.9 (0.2)<sup>a</sup>" in html
    assert "<li><b>a</b> 4 iterations</li>" in html
    assert html.count("<sup>") == 1
    assert '<td class="below"' in html
    assert '<td class="above"' in html
    assert 'failed: no memory</span><span class="paper">98.5 (0.4)' in html
    assert html.count('class="cell"') == 2


def test_names_are_escaped():
    html = table_section(Table("t", "<i>", (cell('<b>"', '<td onclick="x">', mean=1.0, note="<u>"),)))
    for tag in ("<i>", "<b>", "<u>", "<td on"):
        assert tag not in html.replace("<b>a</b>", "")
    assert html.count("&lt;td onclick=&quot;x&quot;&gt;") >= 2
