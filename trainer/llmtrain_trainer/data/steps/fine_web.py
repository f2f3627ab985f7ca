"""The step `fineWeb`: the rules on lines of FineWeb (Penedo et al. 2024).

They are counted as in datatrove's `FineWebQualityFilter`, up to its word tokenizer.
"""

import re
from collections.abc import Mapping

from llmtrain_api.spec.step_sections.quality import FineWeb
from llmtrain_trainer.data.scripts import split_words
from llmtrain_trainer.data.sentences import ends_sentence
from llmtrain_trainer.data.steps.base import (
    NO_TEXT,
    DocumentStep,
    Dropped,
    TextFunction,
    one_by_one,
)
from llmtrain_trainer.data.steps.gopher_repetition import duplicates

_WORD_OR_MARK = re.compile(r"\w+|[^\w\s]")


class FineWebStep(DocumentStep[FineWeb]):
    """Drops documents that break a rule."""

    @property
    def reasons(self) -> Mapping[str, str]:
        """Descriptions of the documents that each rule drops."""
        bounds = self.section
        short = f"{bounds.short_line_characters} characters"
        return {
            "punctuatedLines": f"fewer than {100 * bounds.min_punctuated_lines:g}% of the lines "
            "end a sentence",
            "shortLines": f"more than {100 * bounds.max_short_lines:g}% of the lines have no more "
            f"than {short}",
            "duplicateLineCharacters": f"more than "
            f"{100 * bounds.max_duplicate_line_characters:g}% of the characters are in lines that "
            "came before",
            "newlines": f"more than {bounds.max_newlines_per_word:g} line breaks for each word",
        }

    def prepare(self) -> TextFunction:
        """Nothing needs to be loaded."""

        def apply(text: str) -> str | Dropped:
            rule = broken_line_rule(text, self.section)
            return Dropped(rule) if rule else text

        return one_by_one(apply)


def broken_line_rule(text: str, bounds: FineWeb) -> str | None:
    """The first rule that a text breaks; None where it keeps them all."""
    lines = [line for line in text.split("\n") if line and not line.isspace()]
    if not lines:
        return NO_TEXT
    if sum(map(ends_sentence, lines)) < bounds.min_punctuated_lines * len(lines):
        return "punctuatedLines"
    short = bounds.short_line_characters
    if sum(len(line) <= short for line in lines) > bounds.max_short_lines * len(lines):
        return "shortLines"
    breaks = text.count("\n")
    _, repeated = duplicates(lines)
    if repeated > bounds.max_duplicate_line_characters * (len(text) - breaks):
        return "duplicateLineCharacters"
    return "newlines" if _too_many_breaks(text, breaks, bounds.max_newlines_per_word) else None


def _too_many_breaks(text: str, breaks: int, most_per_word: float) -> bool:
    """Whether there are too many line breaks for the words, or for the words and marks."""
    if breaks <= most_per_word * len(split_words(text)):
        return False
    return breaks > most_per_word * len(_WORD_OR_MARK.findall(text))
