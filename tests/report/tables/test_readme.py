"""The README's results section, and the sentence above Table 2."""

from pathlib import Path

import pytest

from kingdra_repro.errors import InputError
from kingdra_repro.report.tables.cells import cell, table
from kingdra_repro.report.tables.readme import BEGIN, END, all_tables, short_table, update_results_section
from kingdra_repro.report.tables.summary import summary

ROOT = Path(__file__).parents[3]


def test_the_readme_is_current():
    readme = (ROOT / "README.md").read_text()
    assert update_results_section(readme, ROOT / "results") == readme, "run `make readme`"


def test_the_section_is_made_anew(tmp_path):
    cells = [cell("K-means", "MNIST", "-", "published", [54.0], (53.3, 0.1), "", ["a"])]
    (tmp_path / "tables").mkdir()
    table(cells).to_csv(tmp_path / "tables" / "table2.csv")
    (tmp_path / "figures").mkdir()
    (tmp_path / "figures" / "figure2.png").touch()
    once = update_results_section(f"above\n{BEGIN}\nold\n{END}\nbelow\n", tmp_path)
    assert once.startswith(f"above\n{BEGIN}\n\n1 of the paper's 1 cells")
    assert "| K-means | 54.0<sub>1</sub> / 53.3 (0.1) |" in once
    assert "](results/figures/figure2.png)" in once
    assert once.endswith(f"{END}\nbelow\n")
    assert "old" not in once
    assert update_results_section(once, tmp_path) == once


@pytest.mark.parametrize("readme", ["", BEGIN, f"{END} {BEGIN}", f"{BEGIN} {BEGIN} {END}"])
def test_without_its_place_in_the_readme(readme, tmp_path):
    with pytest.raises(InputError, match="put them back"):
        update_results_section(readme, tmp_path)


def test_file_order_is_compared_where_there_are_runs_of_it():
    found = summary(
        table(
            [
                cell("A", "MNIST", "file", "published", [90.0] * 5, (95.0, 2.0), "", []),
                cell("A", "MNIST", "shuffled", "published", [99.0], (95.0, 2.0), "", []),
                cell("A", "STL", "file", "-", [], (95.0, 2.0), "not run", []),
                cell("A", "STL", "shuffled", "published", [93.0], (95.0, 2.0), "", []),
                cell("B", "MNIST", "-", "-", [], (84.3, None), "not run", []),
                cell("ours", "MNIST", "-", "published", [99.0], (None, None), "", []),
                cell("Kingdra", "MNIST", "file", "short", [95.0], (98.5, 0.4), "", []),
            ]
        )
    )
    assert found.startswith(
        "3 of the paper's 4 cells are filled, 1 of them with 5 seeds or more; 1 reach the paper's mean minus "
        "its standard deviation, 1 of these with a single run. Of the 1 cells of Kingdra itself 0 do; "
    )


def test_the_short_table_has_the_compared_order_and_the_paper_beside_it():
    found = short_table(
        table(
            [
                cell("A", "MNIST", "shuffled", "published", [99.0], (95.0, 2.0), "", []),
                cell("A", "MNIST", "file", "published", [90.0, 92.0], (95.0, 2.0), "", []),
                cell("A", "STL", "-", "-", [], (81.0, 2.0), "not run", []),
                cell("ours", "MNIST", "-", "published", [97.0], (None, None), "", []),
                cell("ours", "STL", "-", "-", [], (None, None), "not planned", []),
                cell("ours, not run", "MNIST", "-", "-", [], (None, None), "not run", []),
            ]
        )
    )
    assert found.splitlines()[2:] == [
        "| A | 91.0 (1.4)<sub>2</sub> / 95.0 (2.0) | – / 81.0 (2.0) |",
        "| ours | 97.0<sub>1</sub> | – |",
    ]


def test_the_documentation_has_every_table_that_is_there(tmp_path):
    (tmp_path / "tables").mkdir()
    (tmp_path / "tables" / "digits.md").write_text("### Digits\n")
    (tmp_path / "tables" / "table1.md").write_text("### Table 1\n")
    assert all_tables(tmp_path) == "### Table 1\n\n### Digits\n"
