"""Must-link and cannot-link pairs of rows: closure, contradictions, and files of pairs."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from kingdra_repro.data.links import Links, closure, propagate_labels
from kingdra_repro.data.sources.custom_links import read_links
from kingdra_repro.errors import InputError


def test_what_follows_from_pairs() -> None:
    closed = closure(8, Links.of(8, [[0, 1], [1, 2], [4, 5]], [[2, 4], [5, 0], [6, 7]]))
    group = closed.group
    assert group[0] == group[1] == group[2] != group[4] == group[5]
    assert len(np.unique(group)) == 5
    cannot_link = {frozenset(pair) for pair in closed.cannot_link_groups.tolist()}
    assert cannot_link == {frozenset((group[0], group[4])), frozenset((group[6], group[7]))}
    given = np.array([-1, 2, -1, -1, -1, 0, 1, -1])
    assert propagate_labels(given, closed).tolist() == [2, 2, 2, -1, 0, 0, 1, -1]


def test_a_contradiction_is_reported_with_its_rows_unless_it_is_uncertain() -> None:
    contradiction = ([[0, 1], [1, 2]], [[0, 2]])
    with pytest.raises(InputError, match=r"Rows 0 and 2 cannot be linked and must be linked .0 - 1 - 2."):
        closure(3, Links.of(3, *contradiction))
    closed = closure(3, Links.of(3, *contradiction, None, [0.9]))
    assert len(closed.cannot_link_groups) == 0
    assert closed.uncertain.cannot_link.tolist() == [[0, 2]]


def test_rows_with_names_are_told_by_their_names() -> None:
    names, apart = ["ann", "ben", "cem"], Links.of(3, [[0, 1]], [[1, 2]])
    contradicting = Links.of(3, [[0, 1], [1, 2]], [[0, 2]])
    with pytest.raises(InputError, match=r"Rows 'ann' and 'cem' cannot be .* .'ann' - 'ben' - 'cem'."):
        closure(3, contradicting, names)
    closed = closure(3, apart, names)
    with pytest.raises(InputError, match=r"Rows 'ann' and 'ben' must be linked, .* the classes 'x' and 'y':"):
        propagate_labels(np.array([0, 1, -1]), closed, ["x", "y"], names)
    with pytest.raises(InputError, match="Rows 'ann' and 'cem' have the class 'x', and the pairs say"):
        propagate_labels(np.array([0, -1, 0]), closed, ["x", "y"], names)


@pytest.mark.parametrize(
    ("pairs", "message"),
    [
        ({"must_link": [[0, 9]]}, "must_link names rows 0 to 9: the data have rows 0 to 4"),
        ({"cannot_link": [[2, 2]]}, "cannot_link pairs row 2 with itself"),
        ({"must_link": [0, 1]}, "must_link of shape .2,. .* is not a list of pairs"),
        ({"must_link": [[0.0, 1.0]]}, "is not a list of pairs"),
        ({"must_link": [[0, 1]], "must_weight": [1.5]}, "must_weight=1.5 must be above 0 and at most 1"),
        ({"must_link": [[0, 1]], "must_weight": [0]}, "must_weight=0.0 must be above 0 and at most 1"),
        ({"must_link": [[0, 1]], "must_weight": [1, 1]}, "must_weight of shape .2,. does not fit 1 pairs"),
    ],
)
def test_what_is_no_pair(pairs: dict, message: str) -> None:
    with pytest.raises(InputError, match=message):
        Links.of(5, **pairs)


def test_a_file_of_pairs_by_number_or_by_name(tmp_path: Path) -> None:
    path = tmp_path / "links.csv"
    path.write_text("i,j,link,weight\n0,1,1,1\n2,0,0,0.5\n")
    links = read_links(path, None, 3)
    assert (links.must_link.tolist(), links.cannot_link.tolist()) == ([[0, 1]], [[2, 0]])
    assert links.cannot_weight.tolist() == [0.5]
    path.write_text("i,j,link\na.png,c.png,1\n")
    assert read_links(path, ["a.png", "b.png", "c.png"], 3).must_link.tolist() == [[0, 2]]


def test_pairs_without_an_answer_and_columns_to_read_by_eye_are_left_out(tmp_path: Path) -> None:
    path = tmp_path / "ask_pairs.csv"
    path.write_text("i,j,link,i: colour,j: colour\n0,1,,red,blue\n2,0,0,green,red\n1,2,1,blue,green\n")
    links = read_links(path, None, 3)
    assert (links.must_link.tolist(), links.cannot_link.tolist()) == ([[1, 2]], [[2, 0]])


def test_blank_lines_of_a_file_are_left_out(tmp_path: Path) -> None:
    path = tmp_path / "links.csv"
    for blank in (",,", " ", ""):
        path.write_text(f"i,j,link\n1,2,1\n{blank}\n0,3,0\n{blank}\n")
        links = read_links(path, None, 4)
        assert (links.must_link.tolist(), links.cannot_link.tolist()) == ([[1, 2]], [[0, 3]])


CODES = ["X0", *(f"{i:05d}" for i in range(2, 30))]  # row 20 is 00021


def test_names_keep_their_zeros(tmp_path: Path) -> None:
    path = tmp_path / "links.csv"
    path.write_text("i,j,link\n00020,00023,1\n00021,00022,0\n")
    links = read_links(path, CODES, 29)
    assert (links.must_link.tolist(), links.cannot_link.tolist()) == ([[19, 22]], [[20, 21]])


@pytest.mark.parametrize(
    ("text", "names", "message"),
    [
        # If rows have names, a number is never read as a row number, whether or not there is such a row.
        ("20,23,1", CODES, "names the row '20', which the data do not have: give names as .* such as 'X0'"),
        ("00020,23,1", CODES, "names the row '23'"),
        ("7,9,1", ["a7", *map(str, range(8, 36))], "names the row '7'"),
        (
            "7,8,1",
            ["8", "7", "7"],
            "names the row '7', and 2 rows of the data are called so: give dataset.id",
        ),
    ],
)
def test_names_that_the_data_do_not_have_or_have_twice(
    text: str, names: list[str], message: str, tmp_path: Path
) -> None:
    (tmp_path / "links.csv").write_text(f"i,j,link\n{text}\n")
    with pytest.raises(InputError, match=message):
        read_links(tmp_path / "links.csv", names, len(names))


def test_a_name_that_rows_have_twice_does_not_shift_the_others(tmp_path: Path) -> None:
    (tmp_path / "links.csv").write_text("i,j,link\nb,c,1\n")
    assert read_links(tmp_path / "links.csv", ["a", "a", "b", "c"], 4).must_link.tolist() == [[2, 3]]


def test_row_numbers_of_a_binary_file(tmp_path: Path) -> None:
    table = pd.DataFrame({"i": [1, None], "j": [2.0, None], "link": [1, None]})
    table.to_parquet(tmp_path / "links.parquet")
    for names in (None, ["5", "1", "2"]):
        assert read_links(tmp_path / "links.parquet", names, 3).must_link.tolist() == [[1, 2]]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("i,j,link\n0,1,\n", "has no link that is filled in"),
        ("i,j\n0,1\n", "has the columns 'i', 'j': give i, j, link"),
        ("i,j,link\n0,1,2\n", "has link=2 in row 0"),
        ("i,j,link\n0,7,1\n", "names row 7: the data have rows 0 to 4"),
        ("i,j,link\n-1,3,1\n", "names row -1: the data have rows 0 to 4"),
        ("i,j,link\n0.5,3,1\n", "has row names such as '0.5', the data have none"),
        ("i,j,link\na,b,1\n", "has row names such as 'a', the data have none"),
        ("i,j,link\n0,1,1\n3,,0\n", r"links.csv has no j in row 1 .counted from 0.: fill it in"),
        ("i,j,link\n3,3,0\n", r"links.csv pairs 3 with itself in row 0"),
        ("i,j,link,weight\n0,1,1,0.5\n1,2,1,\n", r"links.csv has no weight in row 1 .counted from 0.: give"),
        ("i,j,link,weight\n0,1,1,1.5\n", r"links.csv has weight=1.5 in row 0"),
        ("i,j,link,weight\n0,1,1,yes\n", "has a weight that is not a number"),
    ],
)
def test_files_that_are_none(text: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "links.csv").write_text(text)
    with pytest.raises(InputError, match=message):
        read_links(tmp_path / "links.csv", None, 5)
    with pytest.raises(InputError, match="does not exist"):
        read_links(tmp_path / "other.csv", None, 5)


def test_groups_that_cannot_be_linked_are_listed_once_the_smaller_number_first() -> None:
    closed = closure(4, Links.of(4, None, [[3, 0], [0, 3], [2, 1]]))
    assert closed.cannot_link_groups.tolist() == [[0, 3], [1, 2]]


def test_a_checksum_tells_kinds_pairs_and_weights_apart() -> None:
    pairs = [[0, 1]], [[1, 0]], [[0, 1], [0, 1]]
    found = [
        Links.of(4, *given) for one in pairs for given in ((one,), (None, one), (one, None, [0.5] * len(one)))
    ]
    assert len({links.checksum() for links in found}) == 9
    assert Links.of(4, [[0, 1]]).checksum() == found[0].checksum()


def test_a_link_of_blanks_is_unknown_and_one_of_words_is_told(tmp_path: Path) -> None:
    file = tmp_path / "pairs.csv"
    file.write_text("i,j,link\n0,1,1\n1,2, \n2,3,0\n")
    links = read_links(file, None, 4)
    assert (links.must_link.tolist(), links.cannot_link.tolist()) == ([[0, 1]], [[2, 3]])
    file.write_text("i,j,link\n0,1,1\n1,2,perhaps\n2,3,0\n")
    with pytest.raises(InputError, match="link=perhaps in row 1 "):
        read_links(file, None, 4)
