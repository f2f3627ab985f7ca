"""Copies of one document in all ways of a manifest.

The changes of a copy follow from the job's seed, the document's key, the way and the number of the
copy alone: never from other documents, from batches or workers.
"""

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.random import Generator

from llmtrain_api.spec.augmentation import (
    Augmentation,
    BackTranslation,
    KeyboardTypos,
    RandomDeletion,
    RandomInsertion,
    RandomSwap,
    SentenceShuffle,
    SynonymReplacement,
    Way,
)
from llmtrain_trainer.data.augmentation.back_translation import BackTranslationAugmenter
from llmtrain_trainer.data.augmentation.base import (
    REPEATED,
    UNCHANGED,
    Augmenter,
    CopyFunction,
    Left,
)
from llmtrain_trainer.data.augmentation.keyboard import KeyboardTyposAugmenter
from llmtrain_trainer.data.augmentation.synonyms import (
    RandomInsertionAugmenter,
    SynonymReplacementAugmenter,
)
from llmtrain_trainer.data.augmentation.word_order import (
    RandomDeletionAugmenter,
    RandomSwapAugmenter,
    SentenceShuffleAugmenter,
)
from llmtrain_trainer.data.documents import document_key, is_blank

_AUGMENTERS: Mapping[type[Way], type[Augmenter[Any]]] = {
    BackTranslation: BackTranslationAugmenter,
    KeyboardTypos: KeyboardTyposAugmenter,
    RandomDeletion: RandomDeletionAugmenter,
    RandomInsertion: RandomInsertionAugmenter,
    RandomSwap: RandomSwapAugmenter,
    SentenceShuffle: SentenceShuffleAugmenter,
    SynonymReplacement: SynonymReplacementAugmenter,
}
_SEED_BYTES = 16


@dataclass(frozen=True)
class Copying:
    """All ways of a manifest, as workers get them."""

    augmenters: Mapping[str, Augmenter[Any]]
    """Ways by their names in the data report."""
    seed: int
    """The job's."""

    def copies(self, text: str) -> Iterator[tuple[str, str | Left]]:
        """The copies of a document, each with the name of its way; or why there is none.

        Ways by whose share the document is not chosen give nothing.

        Args:
            text: the document.
        """
        key = document_key(text)
        seen = {text}
        for name, augmenter in self.augmenters.items():
            section: Way = augmenter.section
            if self._random(name, key, 0).random() >= section.share:
                continue
            change = _prepared(augmenter)
            for number in range(1, 1 + section.copies):
                copy = _made(change, text, self._random(name, key, number))
                if isinstance(copy, str) and copy in seen:
                    copy = REPEATED
                elif isinstance(copy, str):
                    seen.add(copy)
                yield name, copy

    def _random(self, name: str, key: bytes, number: int) -> Generator:
        drawn = f"{self.seed} {name} {number} ".encode() + key
        digest = hashlib.blake2b(drawn, digest_size=_SEED_BYTES).digest()
        return np.random.default_rng(int.from_bytes(digest))


def augmenters(listed: Sequence[Augmentation]) -> dict[str, Augmenter[Any]]:
    """Ways by name: the kind, with a number from the second of the same kind on."""
    count: Counter[str] = Counter()
    found = {}
    for place, each in enumerate(listed):
        count[each.kind] += 1
        number = count[each.kind]
        section = each.section
        assert isinstance(section, Way), "every kind of Augmentation is a Way"
        name = each.kind if number == 1 else f"{each.kind}-{number}"
        found[name] = _AUGMENTERS[type(section)](section, f"data.augment[{place}].{each.kind}")
    return found


def _made(change: CopyFunction, text: str, random: Generator) -> str | Left:
    copy = change(text, random)
    return UNCHANGED if isinstance(copy, str) and (copy == text or is_blank(copy)) else copy


@cache
def _prepared(augmenter: Augmenter[Any]) -> CopyFunction:
    """A way's function, made once in each process: workers take many parts."""
    return augmenter.prepare()
