"""The steps of the data section: what is done to the documents, in the order of the list.

A step is a section here, a field of `Step`, and a class in `llmtrain_trainer/data/steps`.
"""

from typing import Annotated, ClassVar, Self, get_args

from pydantic import AfterValidator, ConfigDict, Field, model_validator

from llmtrain_api.base import OneOf, Section, rule, rules

_MIN_WORDS, _MAX_WORDS = 50, 100_000
_MIN_MEAN_WORD_LENGTH, _MAX_MEAN_WORD_LENGTH = 3.0, 10.0

Share = Annotated[float, Field(ge=0, le=1)]


def _in_order(low: str, low_default: float, high: str, high_default: float) -> dict[str, str]:
    """The CEL rule that one field does not exceed another; the server fills in no defaults here."""
    return rule(
        f"(has(self.{low}) ? self.{low} : {low_default})"
        f" <= (has(self.{high}) ? self.{high} : {high_default})",
        f"{low} must not exceed {high}",
    )


_WORDS_IN_ORDER = _in_order("minWords", _MIN_WORDS, "maxWords", _MAX_WORDS)


class StepSection(Section):
    """The settings of one step."""

    compares_documents: ClassVar[bool] = False
    """Whether the step sees all documents, in order, in one process; else each worker applies it to
    the documents that it reads."""


class Html(StepSection):
    """Text extraction from documents that are HTML as a whole.

    Navigation, scripts and styles go. Markdown, source code and texts that only hold some HTML are
    left as they are. The data report counts what was changed.
    """


class Unicode(StepSection):
    """Repair of wrongly decoded text (mojibake), and normalization to NFC."""


class EmojiToText(StepSection):
    """Emoji written as words: 👍 becomes `:thumbs_up:`."""


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
            _in_order(
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


_LANGUAGE_CODES = """
ace af am an ar ary arz as az ba bcl be bg bn br bs ca crh cs cy da de dz el en eo es et eu ext fa
fi fo fr fuv fy ga gcf gcr gd gl gom grc gu gug guw ha hbo he hi hr ht hu hy id ig is it ja jv ka
kab kik kk km kn ko ku ky la lb lg lij ln lo lt ltg lv mg mk ml mn mr ms mt my ne nl nn no nso oc
om or pa pcm pl ps pt qu ro ru rw sa sdh se si sk sl sn so sq sr st sv sw ta te tg th tk tl tr tt
ug uk ur uz uzs vec vi vo wa wuu xh yo yue zh zu
"""
LANGUAGES = tuple(_LANGUAGE_CODES.split())
"""Codes (ISO 639) of the languages that the model of the step `language` recognizes."""


def _known_language(code: str) -> str:
    if code not in LANGUAGES:
        raise ValueError(
            f"{code!r} is none of the languages that can be recognized: {', '.join(LANGUAGES)}"
        )
    return code


LanguageCode = Annotated[
    str, AfterValidator(_known_language), Field(json_schema_extra={"enum": list(LANGUAGES)})
]


class Language(StepSection):
    """Languages to keep, as py3langid's bundled model identifies them.

    A document in several languages counts as one in the language of most of its text.
    """

    keep: Annotated[tuple[LanguageCode, ...], Field(min_length=1, max_length=len(LANGUAGES))]
    """ISO 639 codes of the languages to keep, such as `en` or `de`."""
    min: Share = 0.65
    """Smallest probability that a document is in one of these languages, all of them together. The
    probabilities are calibrated: short texts, code and tables have low ones."""
    keep_unknown: bool = False
    """Whether documents stay for which no language reaches `min`."""


class ExactDedup(StepSection):
    """Removal of documents whose text, apart from white space and case, came before."""

    compares_documents: ClassVar[bool] = True


class Step(OneOf):
    """One step of the work on the documents; exactly one kind."""

    html: Html | None = None
    unicode: Unicode | None = None
    emoji_to_text: EmojiToText | None = None
    length: Length | None = None
    gopher: Gopher | None = None
    language: Language | None = None
    exact_dedup: ExactDedup | None = None

    @property
    def compares_documents(self) -> bool:
        """Whether the step sees all documents, in order, in one process."""
        return self.kind in _comparing_kinds()


_COMPARING_LAST = "steps that compare documents must come after all others"


def _comparing_kinds() -> list[str]:
    return [
        str(field.alias)
        for field in Step.model_fields.values()
        for section in get_args(field.annotation)
        if getattr(section, "compares_documents", False)
    ]


def _comparing_steps_last(steps: tuple[Step, ...]) -> tuple[Step, ...]:
    compares = [step.compares_documents for step in steps]
    if compares != sorted(compares):
        first = compares.index(True)
        later = compares.index(False, first)
        raise ValueError(
            f"{_COMPARING_LAST}, for workers apply the others before documents come together; "
            f"move [{later}] before [{first}]"
        )
    return steps


_COMPARES = " || ".join(f"has(s.{kind})" for kind in _comparing_kinds())

DEFAULT_STEPS = (
    Step(html=Html()),
    Step(unicode=Unicode()),
    Step(gopher=Gopher()),
    Step(exact_dedup=ExactDedup()),
)

Steps = Annotated[
    tuple[Step, ...],
    Field(
        min_length=1,
        max_length=32,
        json_schema_extra={
            **rules(rule(f"self.map(s, {_COMPARES}).isSorted()", _COMPARING_LAST)),
            "default": [step.model_dump(mode="json", exclude_none=True) for step in DEFAULT_STEPS],
        },
    ),
    AfterValidator(_comparing_steps_last),
]
