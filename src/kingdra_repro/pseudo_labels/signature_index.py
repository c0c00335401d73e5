"""Lookup of the signatures that agree with a given one in at least one model."""

import torch
from torch import Tensor

from kingdra_repro.pseudo_labels.agreement import n_agree

# Time to find a label in the index, relative to comparing one; measured on a CPU.
_INDEX_COST = 50


class SignatureIndex:
    """The signatures of a graph, with a lookup of those that agree with one of them in at least one model.

    If the models use all k clusters equally often, a signature shares its prediction in one model with u / k
    others. With many clusters it is far cheaper to gather these from an index than to compare all u.

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
        """Return the signatures that agree with this one in at least one model, including itself.

        Returns
        -------
        others : int64 tensor [p], each once
        n_agree : integer tensor [p], the number of models in which each agrees
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
