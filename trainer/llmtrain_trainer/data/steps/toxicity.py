"""The step `toxicity`: documents with many vulgar words and insults are dropped.

One word says nothing: it may be quoted, or stand for something else. What counts is their density.
A word of one language is another's `with` or `thick`, so a list counts in texts of its language
alone, which is identified where there are many hits.
"""

import json
import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

from llmtrain_api.spec.step_sections.toxicity import Toxicity
from llmtrain_trainer.data.languages import identifier, languages_of
from llmtrain_trainer.data.steps.base import DocumentStep, Dropped, TextFunction, one_by_one

_LEXICON = Path(__file__).parents[1] / "lexicons" / "cuss.json"
_WORD = re.compile(r"\w+")
_FEWEST = 2

Phrase = tuple[str, ...]
"""One word or several in a row."""


class ToxicityStep(DocumentStep[Toxicity]):
    """Drops documents by the density of listed words."""

    @property
    def reasons(self) -> Mapping[str, str]:
        """Descriptions of the documents that each rule drops."""
        bound = f"{self.section.max_per_thousand_words:g}"
        return {"vulgarWords": f"more than {bound} vulgar words for each 1,000 words"}

    def prepare(self) -> TextFunction:
        """Load the lists, and the model that identifies languages."""
        identifier()
        lists = _Lists(self.section)
        bound = self.section.max_per_thousand_words

        def apply(text: str) -> str | Dropped:
            words = _WORD.findall(text.casefold())
            most = max(bound * len(words) / 1000, _FEWEST - 1)
            suspected = {code for code, count in lists.count(words).items() if count > most}
            if suspected and languages_of(text)[0][0] in suspected:
                return Dropped("vulgarWords")
            return text

        return one_by_one(apply)


class _Lists:
    """The listed words of some languages.

    Args:
        section: says which.
    """

    def __init__(self, section: Toxicity) -> None:
        self._languages: defaultdict[Phrase, set[str]] = defaultdict(set)
        self._by_first: defaultdict[str, set[Phrase]] = defaultdict(set)
        stored = json.loads(_LEXICON.read_text(encoding="utf-8"))
        for code in section.languages:
            for grade, listed in stored[code].items():
                if int(grade) >= section.grade:
                    for each in listed:
                        self._add(tuple(_WORD.findall(each)), code)

    def _add(self, phrase: Phrase, code: str) -> None:
        self._languages[phrase].add(code)
        self._by_first[phrase[0]].add(phrase)

    def count(self, words: Sequence[str]) -> Counter[str]:
        """The number of listed words in a text, by language."""
        counts: Counter[str] = Counter()
        if self._by_first.keys().isdisjoint(words):
            return counts
        for place, word in enumerate(words):
            for phrase in self._by_first.get(word, ()):
                if phrase == tuple(words[place : place + len(phrase)]):
                    counts.update(self._languages[phrase])
        return counts
