"""Ends of sentences in any script."""

import re
from collections.abc import Iterator
from itertools import chain

Span = tuple[int, int]
"""Start and end of a part of a text."""

_TERMINALS = (
    "\u0021\u002e\u003f\u0589\u061d-\u061f\u06d4\u0700-\u0702\u07f9\u0837\u0839\u083d\u083e"
    "\u0964\u0965\u104a\u104b\u1362\u1367\u1368\u166e\u1735\u1736\u17d4-\u17d6\u17d9\u17da"
    "\u1803\u1809\u1944\u1945\u1aa8-\u1aab\u1b5a\u1b5b\u1b5e\u1b5f\u1b7d\u1b7e\u1c3b\u1c3c"
    "\u1c7e\u1c7f\u203c\u203d\u2047-\u2049\u2e2e\u2e3c\u2e53\u2e54\u3002\ua4ff\ua60e\ua60f"
    "\ua6f3\ua6f7\ua876\ua877\ua8ce\ua8cf\ua92f\ua9c8\ua9c9\uaa5d-\uaa5f\uaaf0\uaaf1\uabeb"
    "\ufe52\ufe56\ufe57\uff01\uff0e\uff1f\uff61\U00010a56\U00010a57\U00010f55-\U00010f59"
    "\U00010f86-\U00010f89\U00011047\U00011048\U000110be-\U000110c1\U00011141-\U00011143"
    "\U000111c5\U000111c6\U000111cd\U000111de\U000111df\U00011238\U00011239"
    "\U0001123b\U0001123c\U000112a9\U0001144b\U0001144c\U000115c2\U000115c3"
    "\U000115c9-\U000115d7\U00011641\U00011642\U0001173c-\U0001173e\U00011944\U00011946"
    "\U00011a42\U00011a43\U00011a9b\U00011a9c\U00011c41\U00011c42\U00011ef7\U00011ef8"
    "\U00011f43\U00011f44\U00016a6e\U00016a6f\U00016af5\U00016b37\U00016b38\U00016b44"
    "\U00016e98\U0001bc9f\U0001da88"
)
"""The property `Sentence_Terminal` of Unicode 16, as ranges of a character class."""
_QUOTES = "\"'\u00bb\u2019\u201c\u201d\u203a\u300d\u300f"
_CLOSING = _QUOTES + ")\\]\uff09"

_ENDS_SENTENCE = re.compile(f"[{_TERMINALS}]\\Z")
_MAY_END_LINE = re.compile(f"[{_TERMINALS}{_QUOTES}]\\Z")
_WIDE = "\u3002\uff01\uff0e\uff1f"
"""Marks of Chinese and Japanese, which need no space behind them."""
_SPACED_END = re.compile(
    # Looked for at the first of several marks alone, so that a row of them takes linear time.
    f"(?<![{_TERMINALS}])[{_TERMINALS}]+[{_CLOSING}]*(?=\\s)|[{_WIDE}]+[{_CLOSING}]*"
)
_LATIN = (".", "?", "!")
_BLANK_LINES = re.compile(r"\n\s*\n")
_ABBREVIATION = re.compile(
    r"(?<![^\W\d_])(?<!['\u2019])(?:[^\W\d_]|Mrs?|Ms|Dr|Prof|St|Jr|Sr|vs|Nr|Hr|Fr|Mme|bzw|ca)\.\Z"
)
_LONGEST_ABBREVIATION = 4
_NOT_SPACE = re.compile(r"\S")


def ends_sentence(line: str) -> bool:
    """Whether a line's last character is a mark that ends sentences."""
    return line.endswith(_LATIN) or (
        not line[-1:].isascii() and _ENDS_SENTENCE.search(line[-1:]) is not None
    )


def ends_in_quote_or_sentence(line: str) -> bool:
    """Whether a line's last character ends a sentence, or a quotation."""
    return _MAY_END_LINE.search(line[-1:]) is not None


def count_sentences(line: str) -> int:
    """The number of sentences in a line that holds text."""
    line = line.rstrip()
    return 1 + sum(end.end() < len(line) for end in _SPACED_END.finditer(line))


def sentence_spans(text: str) -> Iterator[list[Span]]:
    """Start and end of each sentence, paragraph by paragraph, without the white space between them.

    Paragraphs have blank lines between them. A full stop after one letter or a title (`e.g.`,
    `Dr.`) ends no sentence, nor does a mark before a small letter.
    """
    start = 0
    for blank in chain(_BLANK_LINES.finditer(text), (None,)):
        stop = blank.start() if blank else len(text)
        if spans := _spans(text, start, stop):
            yield spans
        start = blank.end() if blank else stop


def _spans(text: str, start: int, stop: int) -> list[Span]:
    """Start and end of the sentences between two places."""
    spans = []
    for end in _SPACED_END.finditer(text, start, stop):
        if _goes_on(text, end):
            continue
        spans.append(_without_space(text, start, end.end()))
        start = end.end()
    spans.append(_without_space(text, start, stop))
    return [span for span in spans if span[0] < span[1]]


def _goes_on(text: str, end: re.Match[str]) -> bool:
    if end[0] == "." and _ABBREVIATION.search(
        text, max(0, end.start() - _LONGEST_ABBREVIATION), end.end()
    ):
        return True
    following = _NOT_SPACE.search(text, end.end())
    return following is not None and following[0].islower()


def _without_space(text: str, start: int, stop: int) -> Span:
    part = text[start:stop]
    begin = start + len(part) - len(part.lstrip())
    return begin, max(begin, start + len(part.rstrip()))
