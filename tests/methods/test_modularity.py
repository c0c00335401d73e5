"""Modularity compared with values computed by hand from Newman's definition; the neighbour graph."""

import numpy as np
import pytest
import scipy.sparse as sp

from kingdra_repro.methods.best_phase import modularity, neighbour_graph


def test_two_triangles_joined_by_an_edge() -> None:
    edges = [(0, 1), (1, 2), (0, 2), (3, 4), (4, 5), (3, 5), (2, 3)]
    i, j = np.array(edges).T
    graph = sp.csr_matrix((np.ones(14), (np.r_[i, j], np.r_[j, i])))
    assert modularity(graph, np.array([0, 0, 0, 1, 1, 1])) == pytest.approx(6 / 7 - 1 / 2)
    assert modularity(graph, np.zeros(6, int)) == pytest.approx(0)
    every_one_alone = -((2 / 14) ** 2 * 4 + (3 / 14) ** 2 * 2)
    assert modularity(graph, np.arange(6)) == pytest.approx(every_one_alone)


@pytest.mark.parametrize("kind", [np.asarray, sp.csr_matrix])
def test_the_graph_joins_a_point_with_its_nearest(kind: type) -> None:
    graph = neighbour_graph(kind(np.array([[0.0], [1.0], [3.0], [10.0]])), 1)
    assert graph.toarray().tolist() == [[0, 1, 0, 0], [1, 0, 1, 0], [0, 1, 0, 1], [0, 0, 1, 0]]


def test_fewer_points_than_neighbours_are_all_joined() -> None:
    assert neighbour_graph(np.eye(3, dtype=np.float32)).toarray().tolist() == [
        [0, 1, 1],
        [1, 0, 1],
        [1, 1, 0],
    ]
