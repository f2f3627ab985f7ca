"""Writing systems: what a word is in each, and which one a text uses."""

import re
import unicodedata
from collections import Counter
from functools import lru_cache
from itertools import islice

_THAI_LAO_TIBETAN = "\u0e00-\u0fff"
_MYANMAR_KHMER = "\u1000-\u109f\u1780-\u17ff\u1950-\u19ff\u1a20-\u1aaf\ua9e0-\ua9ff\uaa60-\uaadf"
_KANA_BOPOMOFO = "\u3041-\u312f\u31a0-\u31ff\uff66-\uff9f"
_HAN_YI = "\u3005-\u3007\u3400-\u4dbf\u4e00-\u9fff\ua000-\ua4cf\uf900-\ufaff\U00020000-\U0003ffff"
LONG_UNSPACED = _THAI_LAO_TIBETAN + _MYANMAR_KHMER
"""Letters of scripts that put no spaces between words, whose words have several letters."""
SHORT_UNSPACED = _KANA_BOPOMOFO + _HAN_YI
"""Letters of scripts that put no spaces between words, whose words have one or two letters."""
_UNSPACED = LONG_UNSPACED + SHORT_UNSPACED
_SYLLABLES = "\u1200-\u139f\u1401-\u167f\uac00-\ud7a3"
"""Ethiopic, Canadian Aboriginal, Hangul: words have spaces between them, and few letters."""

_IS_UNSPACED = re.compile(f"[{_UNSPACED}]")
_IS_NO_ALPHABET = re.compile(f"[{_UNSPACED}{_SYLLABLES}]")
_PIECE = re.compile(f"[{_UNSPACED}]|[^{_UNSPACED}]+")
_LETTERS_SAMPLED = 200


def split_words(text: str) -> list[str]:
    """The words of a text; each letter is one in scripts without spaces (Chinese, Thai)."""
    if not holds_unspaced(text):
        return text.split()
    words: list[str] = []
    for part in text.split():
        if part.isascii():
            words.append(part)
        else:
            words += _pieces(part)
    return words


def holds_unspaced(text: str) -> bool:
    """Whether a text has letters of a script that puts no spaces between words."""
    return not text.isascii() and _IS_UNSPACED.search(text) is not None


def is_unspaced(letter: str) -> bool:
    """Whether it belongs to a script that puts no spaces between words."""
    return _IS_UNSPACED.match(letter) is not None and letter.isalpha()


def in_alphabets(words: list[str]) -> list[str]:
    """The words whose letters stand for sounds, so that they have several."""
    return [word for word in words if word.isascii() or not _IS_NO_ALPHABET.search(word)]


def main_script(text: str) -> str:
    """The script of most letters in the beginning of a text: `Latin`, `Cjk`, `Arabic`.

    `None` stands for a text without letters.
    """
    if text.isascii():
        return "Latin" if any(map(str.isalpha, text)) else "None"
    letters = islice(filter(str.isalpha, text), _LETTERS_SAMPLED)
    ((script, _),) = Counter(map(_script, letters)).most_common(1) or [("None", 0)]
    return script


@lru_cache(maxsize=4096)
def _script(letter: str) -> str:
    """The first word of a letter's Unicode name, which is its script."""
    return unicodedata.name(letter, "Other").split()[0].partition("-")[0].capitalize()


def _pieces(part: str) -> list[str]:
    if not holds_unspaced(part):
        return [part]
    return [piece for piece in _PIECE.findall(part) if any(map(str.isalnum, piece))]
