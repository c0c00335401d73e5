"""Which signatures agree with one in some model: all are compared, or looked up where classes are many."""

import torch
from torch import Tensor

from kingdra_repro.pseudo_labels.agreement import n_agree

# Comparing a label costs about a fiftieth of finding one in the index; measured on a CPU.
_INDEX_COST = 50


class SignatureIndex:
    """The signatures of a graph, to be asked for those that agree with one of them.

    Of k classes that the models use alike, a signature shares its answer in a given model with u / k others.
    With many classes it is far cheaper to gather these than to compare all u.

    ``columns``, integer [n_models, u], are the distinct signatures.
    """

    def __init__(self, columns: Tensor, n_clusters: int) -> None:
        self._columns = columns
        self._index: list[tuple[Tensor, list[int]]] = []
        if n_clusters > _INDEX_COST:
            for column in columns:
                counts = torch.bincount(column)
                ends = counts.cumsum(0).tolist()
                self._index.append((column.argsort().int(), [0, *ends]))

    def agreeing_with(self, signature: int) -> tuple[Tensor, Tensor]:
        """Return the signatures that at least one model answers alike, itself among them.

        Returns
        -------
        others : int64 tensor [p], each once
        n_agree : integer tensor [p], how many models do
        """
        labels = self._columns[:, signature].tolist()
        parts = [
            order[ends[label] : ends[label + 1]]
            for (order, ends), label in zip(self._index, labels, strict=bool(self._index))
        ]
        n_found = sum(map(len, parts))
        if parts and n_found * _INDEX_COST < self._columns.numel():
            others, agree = torch.unique(torch.cat(parts), return_counts=True)
            return others.long(), agree
        agree = n_agree(self._columns[:, [signature]], self._columns)[0]
        others = agree.nonzero()[:, 0]
        return others, agree[others]
