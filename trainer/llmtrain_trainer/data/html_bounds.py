"""Bounds on HTML, so that no document takes more time than its length is worth.

Parsers need time that grows with the square of a tag's attributes, of the depth of a tree, and of
the number of open formatting tags, which each new paragraph opens again.
"""

import re
from typing import Any

_MAX_DEPTH = 512
"""Elements inside each other; browsers cut a tree at the same depth."""
_MAX_ATTRIBUTES = 1024
_MAX_WORK = 16_000_000
"""Open tags that are never closed, times all tags."""

_ATTRIBUTE = r"[\s/]*+[^\s/>][^\s/>=]*+(?:\s*+=\s*+(?:\"[^\"]*+\"?+|'[^']*+'?+|[^\s>]*+))?+"
_TAG = re.compile(
    rf"<(/?)([a-z][^\s/>]*+)(?:{_ATTRIBUTE}){{0,{_MAX_ATTRIBUTES}}}+({_ATTRIBUTE})?+",
    re.IGNORECASE,
)
_VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param"}
_CLOSED_BY_THE_NEXT = {
    "colgroup",
    "dd",
    "dt",
    "li",
    "optgroup",
    "option",
    "p",
    "rp",
    "rt",
    "source",
    "tbody",
} | {"td", "tfoot", "th", "thead", "tr", "track", "wbr"}
_NEVER_OPEN = frozenset(_VOID | _CLOSED_BY_THE_NEXT)
"""Tags without content, and those that the next one of their kind closes."""


def broken_bound(html: str) -> str | None:
    """The bound that a document breaks; None where it keeps them. Takes linear time."""
    num_open = most_open = num_tags = 0
    for tag in _TAG.finditer(html):
        closes, name, one_too_many = tag.groups()
        if one_too_many is not None:
            return "tooManyAttributes"
        num_tags += 1
        if name.lower() not in _NEVER_OPEN:
            num_open = max(num_open - 1, 0) if closes else num_open + 1
            most_open = max(most_open, num_open)
    if most_open * num_tags > _MAX_WORK:
        return "tooDeep"
    if most_open > _MAX_DEPTH and _is_deeper_than(html, _MAX_DEPTH):
        return "tooDeep"
    return None


def _is_deeper_than(html: str, limit: int) -> bool:
    """Whether the parsed tree has more levels: tags that are never closed need not add any."""
    from resiliparse.parse.html import HTMLTree, traverse_dom

    deepest = 0

    def look(context: Any) -> None:  # noqa: ANN401 - the library's class has no types
        nonlocal deepest
        deepest = max(deepest, context.depth)

    document = HTMLTree.parse(html).document
    if document is not None:
        traverse_dom(document, look, None, None)
    return deepest > limit
