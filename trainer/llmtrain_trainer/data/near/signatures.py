"""MinHash signatures: two documents have the same number in a slot as often as they are alike.

"Alike" is the Jaccard similarity of their sets of shingles (Broder 1997).
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from llmtrain_trainer.data.near.shingles import Shingles, mixed
from llmtrain_trainer.data.powers import Hashes

_UNFILLED = np.uint64(2**64 - 1)
_LOW_BITS = np.uint64(2**32 - 1)
_HALF = np.uint64(32)
_STEP = 0x9E3779B97F4A7C15
_MODULUS = 2**64
_MOST_AT_ONCE = 2**16
"""Shingles that are worked on at a time, so that all arrays stay in a core's cache."""
_FEW = 2**14
"""Fewer of them are taken through several rounds at once."""


def signatures(given: Shingles, num_slots: int) -> Hashes:
    """The signature of each document; it depends on its set of shingles alone.

    It is a fast similarity sketch (Dahlgaard, Knudsen and Thorup 2017, algorithm 1). In each round
    every shingle falls into one slot by a hash, with a value by another; from round `num_slots` on
    all fall into the same one, slot 0 first. A slot keeps the smallest value of its earliest round.
    When every slot has one, the rounds end: after the first in a long document.

    Args:
        given: shingles of some documents.
        num_slots: numbers in a signature.

    Returns:
        An array [documents, num_slots]; those of documents without shingles mean nothing.
    """
    count = len(given.counts)
    found = np.full(count * num_slots, _UNFILLED)
    documents = np.repeat(np.arange(count), given.counts)
    for start in range(0, len(documents), _MOST_AT_ONCE):
        part = slice(start, start + _MOST_AT_ONCE)
        _sketch(found, given.hashes[part], documents[part], num_slots)
    return found.reshape(count, num_slots)


def similarity(one: NDArray[np.uint16], other: NDArray[np.uint16]) -> NDArray[np.float64]:
    """The estimated Jaccard similarities of pairs of documents.

    Its standard error is sqrt(s (1 - s) / slots): 0.04 at s = 0.8 and 112 slots.

    Args:
        one: short signatures of the first of each pair, an array [pairs, slots].
        other: those of the second.
    """
    shares: NDArray[np.float64] = (one == other).mean(axis=1)
    return shares


def shortened(full: Hashes) -> NDArray[np.uint16]:
    """Signatures with 16 bits of each slot: two that differ have the same bits once in 65,536."""
    return full.astype(np.uint16)


def band_keys(full: Hashes, bands: int) -> Iterator[Hashes]:
    """The keys of each band in turn: equal where all slots of the band are.

    Args:
        full: signatures, an array [documents, slots].
        bands: number of bands.
    """
    for number, band in enumerate(np.split(full, bands, axis=1)):
        key = np.full(len(full), number, np.uint64)
        for slot in band.T:
            key = mixed(key * np.uint64(_STEP) + slot)
        yield key


def _sketch(found: Hashes, hashes: Hashes, documents: NDArray[np.int64], slots: int) -> None:
    """Take some shingles through their rounds.

    Rounds that are more than needed change nothing: an earlier round's value is smaller.
    """
    begin = 0
    while len(hashes) and begin < 2 * slots:
        end = begin + max(1, min(_FEW // len(hashes), slots - begin % slots))
        rounds = np.arange(begin, end, dtype=np.uint64)[:, np.newaxis]
        seeds = mixed(rounds * np.uint64(_STEP) + np.uint64(1))
        random = mixed(hashes + seeds)
        values = (random & _LOW_BITS) | (rounds << _HALF)
        if begin < slots:
            chosen = ((random >> _HALF) * np.uint64(slots)) >> _HALF
        else:
            chosen = np.broadcast_to(rounds - np.uint64(slots), random.shape)
        places = chosen.astype(np.int64) + documents * slots
        np.minimum.at(found, places.ravel(), values.ravel())
        last_rounds = found.reshape(-1, slots).max(axis=1) >> _HALF
        unfinished = (last_rounds >= end)[documents]
        hashes, documents, begin = hashes[unfinished], documents[unfinished], end
