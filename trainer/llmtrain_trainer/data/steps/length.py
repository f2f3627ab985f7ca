"""The step `length`: documents with too few or too many words are dropped."""

from collections.abc import Mapping

from llmtrain_api.spec.step_sections.quality import Length
from llmtrain_trainer.data.scripts import split_words
from llmtrain_trainer.data.steps.base import (
    NO_TEXT,
    DocumentStep,
    Dropped,
    TextFunction,
    one_by_one,
)


class LengthStep(DocumentStep[Length]):
    """Drops documents by their number of words."""

    @property
    def reasons(self) -> Mapping[str, str]:
        """Descriptions of the documents that each rule drops."""
        return length_reasons(self.section)

    def prepare(self) -> TextFunction:
        """Nothing needs to be loaded."""

        def apply(text: str) -> str | Dropped:
            rule = broken_length_rule(split_words(text), self.section)
            return Dropped(rule) if rule else text

        return one_by_one(apply)


def length_reasons(bounds: Length) -> dict[str, str]:
    """Descriptions of the documents that the rules on the number of words drop."""
    return {
        "minWords": f"fewer than {bounds.min_words:,} words",
        "maxWords": f"more than {bounds.max_words:,} words",
    }


def broken_length_rule(words: list[str], bounds: Length) -> str | None:
    """The bound that a text's number of words breaks; None where it keeps them.

    A text without any word is `empty` whatever the bounds.
    """
    if not words:
        return NO_TEXT
    if len(words) < bounds.min_words:
        return "minWords"
    return "maxWords" if len(words) > bounds.max_words else None
