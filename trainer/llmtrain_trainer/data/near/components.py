"""Connected components of a graph of documents: all that are alike, directly or through others."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from llmtrain_trainer.data.near.pairs import Ids

_PAIRS_AT_ONCE = 2**20


def components(parts: Iterable[NDArray[np.uint64]]) -> tuple[Ids, Ids]:
    """All documents that are in a pair, and the first document of each one's component.

    Memory grows with the documents in pairs, not with the pairs: those of many bands are the same.

    Args:
        parts: arrays [pairs, 2] of documents.

    Returns:
        The documents, in order, and for each the first that it is connected to.
    """
    members = firsts = np.empty(0, np.uint64)
    waiting: list[NDArray[np.uint64]] = []
    for part in parts:
        waiting.append(part)
        if sum(map(len, waiting)) > max(_PAIRS_AT_ONCE, len(members)):
            members, firsts = _joined(members, firsts, waiting)
            waiting = []
    return _joined(members, firsts, waiting)


def _joined(members: Ids, firsts: Ids, parts: list[NDArray[np.uint64]]) -> tuple[Ids, Ids]:
    """The components of those so far and of some more pairs."""
    pairs = np.concatenate([np.stack([members, firsts], axis=1), *parts])
    documents, places = np.unique(pairs, return_inverse=True)
    one, other = places.reshape(-1, 2).T
    first = np.arange(len(documents))
    while True:
        # Each edge joins the components of its ends under the first document of the two.
        one, other = first[one], first[other]
        apart = one != other
        if not apart.any():
            return documents, documents[first]
        one, other = one[apart], other[apart]
        np.minimum.at(first, np.maximum(one, other), np.minimum(one, other))
        while not np.array_equal(further := first[first], first):
            first = further
