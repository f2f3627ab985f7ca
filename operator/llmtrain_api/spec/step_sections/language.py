"""The step that keeps documents by their language."""

from typing import Annotated

from pydantic import AfterValidator, Field

from llmtrain_api.spec.step_sections.base import Share, StepSection

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
    """Languages to count, and to keep, as py3langid's bundled model identifies them.

    A document in several languages counts as one in the language of most of its text.
    """

    keep: Annotated[tuple[LanguageCode, ...], Field(max_length=len(LANGUAGES))] = ()
    """ISO 639 codes of the languages to keep, such as `en` or `de`. Without one, all documents
    stay; the data report counts them by language, as it always does."""
    min: Share = 0.65
    """Smallest probability that a document is in one of these languages, all of them together. The
    probabilities are calibrated: short texts, code and tables have low ones."""
    keep_unknown: bool = False
    """Whether documents stay for which no language reaches `min`."""
