"""Pairs of rows: their closure, contradictions, and files of them."""

from pathlib import Path

import numpy as np
import pytest

from kingdra_repro.data.links import Links, closure, read_links, with_linked
from kingdra_repro.errors import InputError


def test_what_follows_from_pairs() -> None:
    closed = closure(8, Links.of(8, [[0, 1], [1, 2], [4, 5]], [[2, 4], [5, 0], [6, 7]]))
    group = closed.group
    assert group[0] == group[1] == group[2] != group[4] == group[5]
    assert len(np.unique(group)) == 5
    apart = {frozenset(pair) for pair in closed.apart.tolist()}
    assert apart == {frozenset((group[0], group[4])), frozenset((group[6], group[7]))}
    given = np.array([-1, 2, -1, -1, -1, 0, 1, -1])
    assert with_linked(given, closed).tolist() == [2, 2, 2, -1, 0, 0, 1, -1]


def test_a_contradiction_is_reported_with_its_rows_unless_it_is_doubtful() -> None:
    contradiction = ([[0, 1], [1, 2]], [[0, 2]])
    with pytest.raises(InputError, match=r"Rows 0 and 2 cannot be linked and must be linked .0 - 1 - 2."):
        closure(3, Links.of(3, *contradiction))
    doubtful = closure(3, Links.of(3, *contradiction, None, [0.9]))
    assert len(doubtful.apart) == 0
    assert doubtful.doubtful.cannot_link.tolist() == [[0, 2]]


@pytest.mark.parametrize(
    ("pairs", "message"),
    [
        ({"must_link": [[0, 9]]}, "must_link names rows 0 to 9: the data have rows 0 to 4"),
        ({"cannot_link": [[2, 2]]}, "cannot_link pairs row 2 with itself"),
        ({"must_link": [0, 1]}, "must_link of shape .2,. .* is not a list of pairs"),
        ({"must_link": [[0.0, 1.0]]}, "is not a list of pairs"),
        ({"must_link": [[0, 1]], "must_weight": [1.5]}, "must_weight=1.5 must be above 0 and at most 1"),
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


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("i,j,link\n0,1,\n", "has no link that is filled in"),
        ("i,j\n0,1\n", "has the columns 'i', 'j': give i, j, link"),
        ("i,j,link\n0,1,2\n", "has link=2 in row 0"),
        ("i,j,link\n0,7,1\n", "names row 7: the data have rows 0 to 4"),
        ("i,j,link\na,b,1\n", "has row names in column i, the data have none"),
        ("i,j,link,weight\n0,1,1,yes\n", "has a weight that is not a number"),
    ],
)
def test_files_that_are_none(text: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "links.csv").write_text(text)
    with pytest.raises(InputError, match=message):
        read_links(tmp_path / "links.csv", None, 5)
    with pytest.raises(InputError, match="does not exist"):
        read_links(tmp_path / "other.csv", None, 5)
