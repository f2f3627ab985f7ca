"""The language of a text, by the model in py3langid's wheel."""

from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from py3langid.langid import LanguageIdentifier

_LONGEST = 100_000
"""Characters from the beginning of a text that are looked at."""


def languages_of(text: str) -> list[tuple[str, float]]:
    """ISO 639 codes of languages and their probabilities, the likeliest first."""
    ranking: list[tuple[str, float]] = identifier().rank(text[:_LONGEST])
    return ranking


@cache
def identifier() -> "LanguageIdentifier":
    """The model, which takes about a second to load, once in each process."""
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
