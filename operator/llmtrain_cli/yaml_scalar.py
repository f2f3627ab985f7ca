"""What a single word of YAML stands for, by kubectl's rules."""

import math
import re

_NULL = frozenset({"", "~", "null", "Null", "NULL"})
_TRUE = frozenset(
    {"y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"},
)
_FALSE = frozenset(
    {"n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"},
)
_NOT_FINITE = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
_OCTAL = re.compile(r"[-+]?0[0-7]+")
_INTEGER = re.compile(r"[-+]?([0-9]+|0[xX][0-9a-fA-F]+|0[oO][0-7]+|0[bB][01]+)")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_LONGEST_NUMBER = 400
_LARGEST_WHOLE = 1e21
"""From here on, JSON as Go writes it has an exponent."""

Scalar = str | int | float | bool | None


def scalar(text: str, *, plain: bool) -> Scalar:
    """The value of a word.

    Args:
        text: without its quotes.
        plain: whether it has none.

    Raises:
        ValueError: JSON has no such value; the message says what would be right.
    """
    if not plain:
        return _readable(text)
    if text in _NULL:
        return None
    if text in _TRUE or text in _FALSE:
        return text in _TRUE
    if _NOT_FINITE.fullmatch(text):
        raise ValueError(f"{text} is no number that can be set; write one with digits")
    number = _number(text)
    return _readable(text) if number is None else number


def _number(text: str) -> int | float | None:
    digits = text.replace("_", "")
    if text.startswith("_") or len(digits) > _LONGEST_NUMBER:
        return None
    if _OCTAL.fullmatch(digits):
        return int(digits, 8)
    if _INTEGER.fullmatch(digits) and not re.fullmatch("[-+]?0[0-9]+", digits):
        return int(digits, 0)
    if not _FLOAT.fullmatch(digits) or math.isinf(value := float(digits)):
        return None
    # JSON does not tell 3.0 from 3, and so 1e9 is a number of tokens.
    return int(value) if value.is_integer() and abs(value) < _LARGEST_WHOLE else value


def _readable(text: str) -> str:
    """Text with whole characters: JSON may write one as two escapes, of which neither is one."""
    if "\0" in text:
        raise ValueError("text cannot hold the character U+0000; remove it")
    try:
        return text.encode("utf-16", "surrogatepass").decode("utf-16")
    except UnicodeDecodeError:
        raise ValueError("text holds half of a character (\\ud800 to \\udfff); remove it") from None
