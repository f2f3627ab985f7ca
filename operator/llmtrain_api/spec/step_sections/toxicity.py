"""The step that drops documents with many vulgar words."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from llmtrain_api.spec.step_sections.base import StepSection


class LexiconLanguage(StrEnum):
    """A language of which vulgar words are listed."""

    ENGLISH = "en"
    SPANISH = "es"
    FRENCH = "fr"
    ITALIAN = "it"
    PORTUGUESE = "pt"


class Toxicity(StepSection):
    """Removal of documents with many vulgar words and insults, by graded lists of five languages.

    A list counts in texts of its language alone. The lists are those of `cuss` 2.2.0 (MIT licence).
    They know words, not opinions: prejudice in polite words is not found.
    """

    max_per_thousand_words: float = Field(10, ge=0, le=1000)
    """Largest number of listed words in 1,000 words. A document with one of them stays."""
    grade: int = Field(2, ge=1, le=2)
    """Lowest grade of the words that count: 2 for those that are vulgar nearly everywhere, 1 for
    those too that may be."""
    languages: Annotated[
        tuple[LexiconLanguage, ...], Field(min_length=1, max_length=len(LexiconLanguage))
    ] = tuple(LexiconLanguage)
    """Languages whose lists are used."""
