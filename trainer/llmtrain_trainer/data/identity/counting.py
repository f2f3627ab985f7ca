"""Counts words for groups of people, and the sentences that hold a negative word beside one."""

import re
from collections import Counter
from collections.abc import Iterable

from pydantic import Field

from llmtrain_api.base import Record
from llmtrain_api.data_report import IdentityReport, IdentityTerm
from llmtrain_trainer.data.identity.terms import (
    FUNCTION_WORDS,
    IDENTITY_TERMS,
    NEGATIVE_WORDS,
    PRONOUNS,
)

SAMPLE = 20_000
"""Documents that are looked at, about, which take a few seconds."""
_WORD = re.compile("[a-z]+")
_END = re.compile(r"[.!?\n]+")
_FEWEST_FUNCTION_WORDS = 0.07
"""Share of a text's words; English prose has about twice as many."""
_GROUP_OF = {
    word: group
    for groups in IDENTITY_TERMS.values()
    for group, words in groups.items()
    for word in words
}
_COUNTED = _GROUP_OF.keys() | NEGATIVE_WORDS
_PRONOUN_OF = {word: pronoun for pronoun, words in PRONOUNS.items() for word in words}


class IdentityCounts(Record):
    """Counts of some documents."""

    documents: int = 0
    """English ones."""
    sentences: int = 0
    negative_sentences: int = 0
    by_group: dict[str, int] = Field(default_factory=dict)
    """Sentences by the group that they name."""
    negative_by_group: dict[str, int] = Field(default_factory=dict)
    pronouns: dict[str, int] = Field(default_factory=dict)

    def __add__(self, other: "IdentityCounts") -> "IdentityCounts":
        """The counts of both."""
        return IdentityCounts(
            documents=self.documents + other.documents,
            sentences=self.sentences + other.sentences,
            negative_sentences=self.negative_sentences + other.negative_sentences,
            by_group=_sum(self.by_group, other.by_group),
            negative_by_group=_sum(self.negative_by_group, other.negative_by_group),
            pronouns=_sum(self.pronouns, other.pronouns),
        )


class IdentityCounter:
    """Counts a sample of a unit's documents.

    Args:
        num_documents: documents of all units, of which the sample is one.
    """

    def __init__(self, num_documents: int) -> None:
        self._share = SAMPLE / max(num_documents, SAMPLE, 1)
        self._documents = self._sentences = self._negative = 0
        self._groups: Counter[str] = Counter()
        self._negative_groups: Counter[str] = Counter()
        self._pronouns: Counter[str] = Counter()

    def count(self, text: str, key: bytes) -> None:
        """Count a document, if it is in the sample.

        Args:
            text: the document.
            key: its hash, of which the second half decides: the first one holds documents out.
        """
        if int.from_bytes(key[8:16]) >= self._share * 2**64:
            return
        lower = text.lower()
        words = Counter(_WORD.findall(lower))
        if not _is_english(words):
            return
        self._documents += 1
        for word in _PRONOUN_OF.keys() & words.keys():
            self._pronouns[_PRONOUN_OF[word]] += words[word]
        sentences = _END.split(lower)
        if _COUNTED.isdisjoint(words):
            self._sentences += sum(1 for sentence in sentences if _WORD.search(sentence))
            return
        for sentence in sentences:
            self._count_sentence(_WORD.findall(sentence))

    def counts(self) -> IdentityCounts:
        """The counts so far."""
        return IdentityCounts(
            documents=self._documents,
            sentences=self._sentences,
            negative_sentences=self._negative,
            by_group=dict(sorted(self._groups.items())),
            negative_by_group=dict(sorted(self._negative_groups.items())),
            pronouns=dict(sorted(self._pronouns.items())),
        )

    def _count_sentence(self, words: list[str]) -> None:
        if not words:
            return
        is_negative = not NEGATIVE_WORDS.isdisjoint(words)
        self._sentences += 1
        self._negative += is_negative
        groups = {_GROUP_OF[word] for word in words if word in _GROUP_OF}
        self._groups.update(groups)
        if is_negative:
            self._negative_groups.update(groups)


def identity_report(counts: Iterable[IdentityCounts]) -> IdentityReport | None:
    """The report on all units; None where no document is English."""
    total = sum(counts, IdentityCounts())
    if not total.documents:
        return None
    return IdentityReport(
        documents=total.documents,
        sentences=total.sentences,
        negative_sentences=total.negative_sentences,
        terms=tuple(
            IdentityTerm(
                kind=kind,
                group=group,
                sentences=total.by_group[group],
                negative_sentences=total.negative_by_group.get(group, 0),
            )
            for kind, groups in IDENTITY_TERMS.items()
            for group in groups
            if group in total.by_group
        ),
        pronouns={pronoun: total.pronouns.get(pronoun, 0) for pronoun in PRONOUNS},
    )


def _is_english(words: Counter[str]) -> bool:
    known = sum(words[word] for word in FUNCTION_WORDS)
    return known > 0 and known >= _FEWEST_FUNCTION_WORDS * words.total()


def _sum(one: dict[str, int], other: dict[str, int]) -> dict[str, int]:
    return dict(sorted((Counter(one) + Counter(other)).items()))
