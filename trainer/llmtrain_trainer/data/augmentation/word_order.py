"""Ways that move or leave out words and sentences (Wei and Zou 2019: random swap and deletion)."""

from numpy.random import Generator

from llmtrain_api.spec.augmentation import RandomDeletion, RandomSwap, SentenceShuffle
from llmtrain_trainer.data.augmentation.base import UNCHANGED, Augmenter, CopyFunction, Left
from llmtrain_trainer.data.augmentation.words import choose, replaced, word_spans
from llmtrain_trainer.data.sentences import Span, sentence_spans

_SPACES = " \t"


class RandomSwapAugmenter(Augmenter[RandomSwap]):
    """Swaps words within their sentences."""

    def prepare(self) -> CopyFunction:
        """Nothing is loaded."""

        def apply(text: str, random: Generator) -> str | Left:
            sentences = [
                words
                for paragraph in sentence_spans(text)
                for start, stop in paragraph
                if len(words := word_spans(text, start, stop)) > 1
            ]
            places = [(words, place) for words in sentences for place in range(len(words))]
            words_at = {span: text[slice(*span)] for words in sentences for span in words}
            for words, place in choose(places, self.section.rate, random):
                other = (place + 1 + int(random.integers(len(words) - 1))) % len(words)
                one, two = words[place], words[other]
                words_at[one], words_at[two] = words_at[two], words_at[one]
            return replaced(text, [*words_at.items()])

        return apply


class RandomDeletionAugmenter(Augmenter[RandomDeletion]):
    """Leaves words out, each with the spaces before it; the marks behind it stay."""

    def prepare(self) -> CopyFunction:
        """Nothing is loaded."""

        def apply(text: str, random: Generator) -> str | Left:
            words = [span for span in word_spans(text) if _begins(text, span)]
            if len(words) < 2:  # noqa: PLR2004 - one word has to stay
                return UNCHANGED
            gone = choose(words, self.section.rate, random)
            return replaced(text, [(_with_spaces(text, span), "") for span in gone])

        return apply


class SentenceShuffleAugmenter(Augmenter[SentenceShuffle]):
    """Shuffles the sentences of each paragraph; the white space between them stays."""

    def prepare(self) -> CopyFunction:
        """Nothing is loaded."""

        def apply(text: str, random: Generator) -> str | Left:
            changes: list[tuple[Span, str]] = []
            for spans in sentence_spans(text):
                order = random.permutation(len(spans)).tolist()
                if order == sorted(order):
                    order = [*order[1:], *order[:1]]
                sentences = [text[slice(*spans[place])] for place in order]
                changes += zip(spans, sentences, strict=True)
            return replaced(text, changes)

        return apply


def _begins(text: str, span: Span) -> bool:
    """Whether no mark stands before a word, which would be left alone."""
    return span[0] == 0 or text[span[0] - 1].isspace()


def _with_spaces(text: str, span: Span) -> Span:
    """A word and the spaces before it, or else behind it."""
    start, stop = span
    while start > 0 and text[start - 1] in _SPACES:
        start -= 1
    if start == span[0]:
        while stop < len(text) and text[stop] in _SPACES:
            stop += 1
    return start, stop
