"""What a run prints at its end."""

from pathlib import Path

from kingdra_repro.runs.display import COLUMNS, say, show_table

RESULT = {
    "dataset": "pie",
    "method": "constrained_autoencoder",
    "base": None,
    "seed": 0,
    "k": 68,
} | dict.fromkeys(COLUMNS, 0.5)


def test_a_cluster_without_points_and_pairs_that_are_not_kept_are_told(capsys) -> None:
    found = {"clusters_found": 66, "links": 60, "links_kept": 59, "n_labels": 136, "kept_iteration": 0}
    show_table(RESULT | found, Path("run"))
    said = capsys.readouterr().out
    assert "only 66 of the 68 clusters have points" in said
    assert "136 labels given · 59 of 60 pairs kept" in said
    assert "kept the answer of iteration 0" in said


def test_nothing_is_said_of_them_where_there_are_none(capsys) -> None:
    show_table(RESULT | {"clusters_found": 68, "n_labels": 0}, Path("run"))
    said = capsys.readouterr().out
    assert "only" not in said
    assert "given" not in said
    assert "pairs" not in said
    assert "kept" not in said


def test_a_path_is_said_as_it_is(capsys) -> None:
    path = "/home/[me]/" + "a long name " * 20 + "[b].py"
    say(path)
    assert capsys.readouterr().out == f"{path}\n"
