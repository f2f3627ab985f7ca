"""The step `gopher`: the quality rules of Rae et al. 2021 (Gopher), table A1."""

import re
from collections.abc import Mapping

from llmtrain_api.spec.step_sections.quality import Gopher
from llmtrain_trainer.data.scripts import in_alphabets, split_words
from llmtrain_trainer.data.steps.base import DocumentStep, Dropped, TextFunction, one_by_one
from llmtrain_trainer.data.steps.length import broken_length_rule, length_reasons

_BULLETS = ("•", "‣", "▪", "◦", "-", "*")
_ELLIPSIS = re.compile(r"\.\.\.|…")
_LATIN = re.compile("[A-Za-z\u00aa\u00ba\u00c0-\u024f\u1e00-\u1eff]")

_LANGUAGES = {
    "English": "the be to of and that have with",  # Rae et al. 2021
    "Czech": "že není jsou nebo jako být který při pro také",
    "Danish and Norwegian": "ikke som eller også være fra efter etter det og",
    "Dutch": "het een van niet voor zijn ook wordt maar deze",
    "Finnish": "että ovat myös mutta kuin joka tämä hän sekä oli",
    "French": "les des une est dans que pour qui sur avec aux cette",
    "German": "der das und nicht ist ein eine mit für auf dem den von sich",
    "Hungarian": "és hogy nem egy az meg volt csak vagy mint",
    "Indonesian": "yang dan ini untuk dengan dari tidak pada adalah dalam",
    "Italian": "che della non sono il una con per gli anche nel",
    "Polish": "się nie jest że oraz przez dla jako tym być",
    "Portuguese": "que não uma com para os dos são pelo como",
    "Romanian": "și este nu pentru care din mai sunt că fost",
    "Spanish": "que los las una por con para como está del más",
    "Swedish": "och att det som för inte är från ett också",
    "Turkish": "ve bir bu için ile olan olarak çok daha gibi",
    "Vietnamese": "và của là không được có cho những trong một",
}
_STOP_WORDS = [frozenset(words.split()) for words in _LANGUAGES.values()]
_PUNCTUATION = ".,;:!?\"'()[]{}\u00ab\u00bb\u00a1\u00bf\u2018\u2019\u201a\u201c\u201d\u201e"


class GopherStep(DocumentStep[Gopher]):
    """Drops documents that break a rule."""

    @property
    def reasons(self) -> Mapping[str, str]:
        """Descriptions of the documents that each rule drops."""
        bounds = self.section
        hashes, ellipses, bullets, ends, letters = (
            f"{100 * share:g}%"
            for share in (
                bounds.max_hashes_per_word,
                bounds.max_ellipses_per_word,
                bounds.max_bullet_lines,
                bounds.max_ellipsis_lines,
                bounds.min_alphabetic_words,
            )
        )
        return length_reasons(bounds) | {
            "meanWordLength": f"words of fewer than {bounds.min_mean_word_length:g} or more than "
            f"{bounds.max_mean_word_length:g} letters on average",
            "hashSymbols": f"more than {hashes} as many # as words",
            "ellipses": f"more than {ellipses} as many ellipses as words",
            "bulletLines": f"more than {bullets} of the lines are bullets",
            "ellipsisLines": f"more than {ends} of the lines end in an ellipsis",
            "alphabeticWords": f"fewer than {letters} of the words hold a letter",
            "stopWords": f"fewer than {bounds.min_stop_words} of the words that every text of its "
            "language has, such as `the` and `of`",
        }

    def prepare(self) -> TextFunction:
        """Nothing needs to be loaded."""

        def apply(text: str) -> str | Dropped:
            rule = broken_gopher_rule(text, self.section)
            return Dropped(rule) if rule else text

        return one_by_one(apply)


def broken_gopher_rule(text: str, bounds: Gopher) -> str | None:
    """The first rule that a text breaks; None where it keeps them all.

    The rules on the length of words and on stop words hold for alphabets, and for languages in
    Latin script.
    """
    words = split_words(text)
    if rule := broken_length_rule(words, bounds):
        return rule
    if not _has_usual_length(words, bounds):
        return "meanWordLength"
    if text.count("#") > bounds.max_hashes_per_word * len(words):
        return "hashSymbols"
    if len(_ELLIPSIS.findall(text)) > bounds.max_ellipses_per_word * len(words):
        return "ellipses"
    return _broken_line_rule(text, bounds) or _broken_word_rule(text, words, bounds)


def _broken_line_rule(text: str, bounds: Gopher) -> str | None:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if sum(map(_is_bullet, lines)) > bounds.max_bullet_lines * len(lines):
        return "bulletLines"
    if sum(map(_ends_in_ellipsis, lines)) > bounds.max_ellipsis_lines * len(lines):
        return "ellipsisLines"
    return None


def _broken_word_rule(text: str, words: list[str], bounds: Gopher) -> str | None:
    least = bounds.min_alphabetic_words * len(words)
    # Most words are letters alone, which is quicker to see.
    if sum(map(str.isalpha, words)) < least and sum(map(_has_letter, words)) < least:
        return "alphabeticWords"
    if _is_latin(text) and most_stop_words(words) < bounds.min_stop_words:
        return "stopWords"
    return None


def _is_bullet(line: str) -> bool:
    return line.startswith(_BULLETS)


def _ends_in_ellipsis(line: str) -> bool:
    return line.endswith(("...", "…"))


def _has_letter(word: str) -> bool:
    return any(map(str.isalpha, word))


def _has_usual_length(words: list[str], bounds: Gopher) -> bool:
    """Whether words are as long as they are in languages; where most have letters for sounds."""
    measured = in_alphabets(words)
    if 2 * len(measured) < len(words):
        return True
    mean = sum(map(len, measured)) / len(measured)
    return bounds.min_mean_word_length <= mean <= bounds.max_mean_word_length


def _is_latin(text: str) -> bool:
    """Whether half of a text's letters or more are Latin."""
    if text.isascii():
        return True
    return 2 * len(_LATIN.findall(text)) >= sum(map(str.isalpha, text))


def most_stop_words(words: list[str]) -> int:
    """The number of different stop words in a text, in the language with the most."""
    found = {word.strip(_PUNCTUATION).lower() for word in set(words)}
    return max(len(stop_words & found) for stop_words in _STOP_WORDS)
