"""Steps that drop documents by rules on their words and lines."""

from typing import Self

from pydantic import ConfigDict, Field, model_validator

from llmtrain_api.base import rules
from llmtrain_api.spec.step_sections.base import Share, StepSection, in_order

_MIN_WORDS, _MAX_WORDS = 50, 100_000
_MIN_MEAN_WORD_LENGTH, _MAX_MEAN_WORD_LENGTH = 3.0, 10.0
_WORDS_IN_ORDER = in_order("minWords", _MIN_WORDS, "maxWords", _MAX_WORDS)


class Length(StepSection):
    """Bounds on the number of words, for source code, tables and other texts that are no prose."""

    model_config = ConfigDict(json_schema_extra=rules(_WORDS_IN_ORDER))

    min_words: int = Field(_MIN_WORDS, ge=0, le=1_000_000)
    """Documents with fewer words are dropped. In scripts without spaces between words, such as
    Chinese, Japanese and Thai, each letter counts as a word."""
    max_words: int = Field(_MAX_WORDS, ge=1, le=100_000_000)
    """Documents with more words are dropped."""

    @model_validator(mode="after")
    def _some_length_passes(self) -> Self:
        if self.min_words > self.max_words:
            raise ValueError(
                f"minWords must not exceed maxWords; {self.min_words} > {self.max_words}"
            )
        return self


class Gopher(Length):
    """Quality rules for prose: those of Rae et al. 2021 (Gopher), table A1.

    A document that breaks one is dropped.

    Stop words are known for 18 languages in Latin script; texts in other scripts need none, and the
    length of words is measured in alphabets alone.
    """

    model_config = ConfigDict(
        json_schema_extra=rules(
            _WORDS_IN_ORDER,
            in_order(
                "minMeanWordLength",
                _MIN_MEAN_WORD_LENGTH,
                "maxMeanWordLength",
                _MAX_MEAN_WORD_LENGTH,
            ),
        )
    )

    min_mean_word_length: float = Field(_MIN_MEAN_WORD_LENGTH, ge=0, le=1000)
    """Smallest mean number of letters in a word."""
    max_mean_word_length: float = Field(_MAX_MEAN_WORD_LENGTH, ge=0, le=1000)
    """Largest mean number of letters in a word."""
    max_hashes_per_word: float = Field(0.1, ge=0, le=1000)
    """Largest number of `#`, for each word of the document."""
    max_ellipses_per_word: float = Field(0.1, ge=0, le=1000)
    """Largest number of ellipses, for each word of the document."""
    max_bullet_lines: Share = 0.9
    """Largest share of lines that begin with a bullet."""
    max_ellipsis_lines: Share = 0.3
    """Largest share of lines that end in an ellipsis."""
    min_alphabetic_words: Share = 0.8
    """Smallest share of words that hold a letter."""
    min_stop_words: int = Field(2, ge=0, le=8)
    """Smallest number of different stop words of one language, such as `the` and `of`."""

    @model_validator(mode="after")
    def _some_word_passes(self) -> Self:
        low, high = self.min_mean_word_length, self.max_mean_word_length
        if low > high:
            raise ValueError(
                f"minMeanWordLength must not exceed maxMeanWordLength; {low:g} > {high:g}"
            )
        return self


class GopherRepetition(StepSection):
    """Repetition rules for prose: those of Rae et al. 2021 (Gopher), table A1.

    A document that breaks one is dropped.

    Words are counted as in `gopher`. In scripts without spaces between words each letter is one, so
    that sequences of them repeat more often: raise the bounds there.
    """

    max_duplicate_lines: Share = 0.3
    """Largest share of lines that came before in the document."""
    max_duplicate_paragraphs: Share = 0.3
    """Largest share of paragraphs that came before."""
    max_duplicate_line_characters: Share = 0.2
    """Largest share of characters in lines that came before."""
    max_duplicate_paragraph_characters: Share = 0.2
    """Largest share of characters in paragraphs that came before."""
    max_top_2_gram: Share = 0.2
    """Largest share of characters in the most frequent sequence of 2 words, if it is repeated."""
    max_top_3_gram: Share = 0.18
    """The same for 3 words."""
    max_top_4_gram: Share = 0.16
    """The same for 4 words."""
    max_duplicate_5_grams: Share = 0.15
    """Largest share of characters in sequences of 5 words that came before."""
    max_duplicate_6_grams: Share = 0.14
    """The same for 6 words."""
    max_duplicate_7_grams: Share = 0.13
    """The same for 7 words."""
    max_duplicate_8_grams: Share = 0.12
    """The same for 8 words."""
    max_duplicate_9_grams: Share = 0.11
    """The same for 9 words."""
    max_duplicate_10_grams: Share = 0.1
    """The same for 10 words."""


class FineWeb(StepSection):
    """Rules on lines for web text: those of FineWeb (Penedo et al. 2024), section 3.6.

    A document that breaks one is dropped. Lines without text do not count.
    """

    min_punctuated_lines: Share = 0.12
    """Smallest share of lines that end a sentence, by the marks of any script."""
    max_short_lines: Share = 0.67
    """Largest share of short lines."""
    short_line_characters: int = Field(30, ge=0, le=10_000)
    """Characters up to which a line is short."""
    max_duplicate_line_characters: Share = 0.01
    """Largest share of characters in lines that came before in the document."""
    max_newlines_per_word: float = Field(0.3, ge=0, le=1000)
    """Largest number of line breaks, for each word of the document. Punctuation marks count as
    words here."""


class C4(StepSection):
    """Rules for web pages: those of C4 (Raffel et al. 2020), without its list of words.

    Lines are taken out that end no sentence, have few words or one that is too long, mention
    Javascript, or speak of cookies, a privacy policy or terms of use. Citation marks (`[1]`) go.
    A document with lorem ipsum or a curly bracket, or with few sentences left, is dropped.

    Marks that end a sentence count in any script.
    """

    min_sentences: int = Field(5, ge=0, le=1000)
    """Documents with fewer sentences left are dropped."""
    min_words_per_line: int = Field(3, ge=0, le=1000)
    """Lines with fewer words are taken out."""
    max_word_length: int = Field(1000, ge=1, le=100_000)
    """Lines with a longer word are taken out, in letters."""
