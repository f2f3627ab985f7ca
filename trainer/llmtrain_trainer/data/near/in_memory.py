"""Near deduplication of a few documents in memory."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from llmtrain_api.spec.step_sections.deduplication import NearDedup
from llmtrain_trainer.data.near.components import components
from llmtrain_trainer.data.near.pairs import Ids, alike
from llmtrain_trainer.data.near.signatures import band_keys, shortened, similarity
from llmtrain_trainer.data.near.sketches import sketched


def first_alike(texts: Sequence[str], section: NearDedup) -> NDArray[np.int64]:
    """For each document the first of its cluster, itself where it is like none before.

    Args:
        texts: documents.
        section: the step's settings.
    """
    firsts = np.arange(len(texts))
    batches = [*sketched(texts, section)]
    if not batches:
        return firsts
    has_words = np.concatenate([words for words, _ in batches])
    full = np.concatenate([found for _, found in batches])
    short = shortened(full)

    def compare(one: Ids, other: Ids) -> NDArray[np.float64]:
        return similarity(short[one], short[other])

    documents = np.flatnonzero(has_words).astype(np.uint64)
    keys = np.concatenate([*band_keys(full[has_words], section.bands)])
    pairs = alike(keys, np.tile(documents, section.bands), compare, section.min_similarity)
    members, first = components([pairs])
    firsts[members] = first
    return firsts
