"""Ways that need synonyms (Wei and Zou 2019: synonym replacement and random insertion)."""

from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Generic, Self, TypeVar

from numpy.random import Generator

from llmtrain_api.spec.augmentation import RandomInsertion, SynonymReplacement, SynonymWay
from llmtrain_trainer.data.augmentation.base import UNCHANGED, Augmenter, CopyFunction, Left
from llmtrain_trainer.data.augmentation.wordnet import (
    read_synonyms,
    require_wordnet,
    wordnet_digest,
)
from llmtrain_trainer.data.augmentation.words import choose, replaced, word_spans
from llmtrain_trainer.data.sentences import Span, sentence_spans
from llmtrain_trainer.stage import StageContext

WayT = TypeVar("WayT", bound=SynonymWay)
Synonyms = Mapping[str, tuple[str, ...]]

NOT_ENGLISH = Left("notEnglish")
_LEAST_PROBABILITY = 0.65
"""Smallest probability that a text is English; that of the step `language`."""
_LONGEST = 100_000
"""Characters from the beginning of a document by which its language is identified."""


class SynonymAugmenter(Augmenter[WayT], Generic[WayT]):
    """A way with the synonyms of English words."""

    def identity(self, context: StageContext) -> str:
        """A digest of WordNet."""
        return wordnet_digest(self._folder(context))

    def located(self, context: StageContext) -> Self:
        """The same way with WordNet's place on this machine."""
        section = self.section.replace(wordnet=str(self._folder(context)))
        return type(self)(section, self.field)

    def _folder(self, context: StageContext) -> Path:
        folder = context.input_path(self.section.wordnet)
        require_wordnet(folder, f"{self.field}.wordnet")
        return folder

    def _loaded(self) -> tuple[Synonyms, Callable[[str], bool]]:
        """The synonyms, and whether a text is English."""
        return _synonyms(Path(self.section.wordnet)), _english()


class SynonymReplacementAugmenter(SynonymAugmenter[SynonymReplacement]):
    """Replaces words."""

    def prepare(self) -> CopyFunction:
        """Read WordNet, and the model in py3langid's wheel."""
        synonyms, is_english = self._loaded()

        def apply(text: str, random: Generator) -> str | Left:
            if not is_english(text):
                return NOT_ENGLISH
            words = [span for span in word_spans(text) if text[slice(*span)] in synonyms]
            chosen = choose(words, self.section.rate, random)
            return replaced(
                text, [(span, _one(synonyms[text[slice(*span)]], random)) for span in chosen]
            )

        return apply


class RandomInsertionAugmenter(SynonymAugmenter[RandomInsertion]):
    """Inserts a synonym of a word before another word of the sentence."""

    def prepare(self) -> CopyFunction:
        """Read WordNet, and the model in py3langid's wheel."""
        synonyms, is_english = self._loaded()

        def apply(text: str, random: Generator) -> str | Left:
            if not is_english(text):
                return NOT_ENGLISH
            words = [
                (span, inside)
                for paragraph in sentence_spans(text)
                for sentence in paragraph
                # The first word is left, with its capital and what may stand before it.
                for inside in [word_spans(text, *sentence)[1:]]
                for span in inside
                if text[slice(*span)] in synonyms
            ]
            changes: dict[Span, str] = {}
            for span, inside in choose(words, self.section.rate, random):
                start, _ = inside[int(random.integers(len(inside)))]
                word = _one(synonyms[text[slice(*span)]], random)
                changes[start, start] = f"{changes.get((start, start), '')}{word} "
            return replaced(text, sorted(changes.items())) if changes else UNCHANGED

        return apply


def _one(synonyms: tuple[str, ...], random: Generator) -> str:
    return synonyms[int(random.integers(len(synonyms)))]


@cache
def _synonyms(folder: Path) -> Synonyms:
    """The synonyms in a folder, read once in each process."""
    return read_synonyms(folder)


@cache
def _english() -> Callable[[str], bool]:
    """A function that says whether a text is English."""
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    identifier = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)

    def is_english(text: str) -> bool:
        language, probability = identifier.rank(text[:_LONGEST])[0]
        return bool(language == "en" and probability >= _LEAST_PROBABILITY)

    return is_english
