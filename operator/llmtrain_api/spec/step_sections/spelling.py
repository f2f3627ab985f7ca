"""The step that looks for misspelled words."""

from enum import StrEnum
from typing import ClassVar, Self

from pydantic import ConfigDict, Field, model_validator

from llmtrain_api.base import Path, rule, rules
from llmtrain_api.spec.step_sections.base import StepSection
from llmtrain_api.spec.step_sections.language import LanguageCode

_ENGLISH = "en"
_NEEDS_DICTIONARY = "a language other than en needs a dictionary"


class SpellingMode(StrEnum):
    """The treatment of misspelled words."""

    REPORT = "report"
    CORRECT = "correct"


class Spelling(StepSection):
    """Misspelled words of one language: counted and shown, or corrected.

    A word counts as misspelled if it has four letters or more, all of them small, is not in the
    dictionary, and is one letter away from a word that is: one letter other, more, less, or two
    swapped, but not the first one, nor one more or less at the end. That word must be far more
    frequent in the documents of this job, so that what they often say stays. Names, words with
    digits, hyphens or apostrophes, lines of program code and markup, and documents in other
    languages are left as they are.
    """

    model_config = ConfigDict(
        json_schema_extra=rules(
            rule(
                f"!has(self.language) || self.language == '{_ENGLISH}' || has(self.dictionary)",
                _NEEDS_DICTIONARY,
            )
        )
    )

    compares_documents: ClassVar[bool] = True

    mode: SpellingMode = SpellingMode.REPORT
    """`report` changes nothing, and shows in the data report what would be corrected: look at it
    before you write `correct`."""
    language: LanguageCode = _ENGLISH
    """ISO 639 code of the dictionary's language, which is identified for each document."""
    dictionary: Path | None = None
    """A text file with a word and its frequency on each line, separated by a space, as symspellpy
    and Hermit Dave's word lists have it; by default the English one of symspellpy."""
    min_frequency_ratio: int = Field(1000, ge=1, le=1_000_000_000)
    """Occurrences of the correct word in all documents, at least, for each of the misspelled."""

    @model_validator(mode="after")
    def _has_dictionary(self) -> Self:
        if self.language != _ENGLISH and self.dictionary is None:
            raise ValueError(_NEEDS_DICTIONARY)
        return self
