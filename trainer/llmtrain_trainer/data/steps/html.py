"""The step `html`: the text is taken out of documents that are HTML as a whole."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from llmtrain_api.spec.step_sections.cleaning import Html
from llmtrain_trainer.data.steps.base import DocumentStep, Dropped, TextFunction, one_by_one
from llmtrain_trainer.data.steps.precise_html import CPU_SECONDS, PreciseReader, TooSlow

_DOCUMENT = re.compile(
    r"\ufeff?\s*(?:(?><\?xml[^>]*>|<!--.*?-->)\s*)*<(?:!doctype\s+html|html|head|body)[\s/>]",
    re.IGNORECASE | re.DOTALL,
)
_BLOCKS = (
    "article|aside|blockquote|center|div|footer|form|h[1-6]|header|main|nav|ol|p|section|table|ul"
)
_STARTS_WITH_BLOCK = re.compile(rf"\s*<(?:{_BLOCKS})(?:\s[^<>]*)?>", re.IGNORECASE)
_ENDS_WITH_TAG = re.compile(
    r"(?:</[a-z][a-z0-9]*\s*|<(?:br|hr|img)(?:\s[^<>]*)?/?)>\s*\Z", re.IGNORECASE
)
_LONGEST_LAST_TAG = 1000
_MARKDOWN = re.compile(r"^ {0,3}(?:```|~~~|#{1,6}\s|[-*+]\s|\d+\.\s|\|)", re.MULTILINE)

# Bounds, so that no document takes more time than its length is worth. Parsers need time that
# grows with the square of a tag's attributes, of the depth of a tree, and of the number of open
# formatting tags, which each new paragraph opens again.
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


@dataclass(frozen=True)
class HtmlStep(DocumentStep[Html]):
    """Takes the main text out of HTML, without navigation, scripts and styles.

    Args:
        section: the step's settings.
        is_certain: whether all documents are HTML, whatever they look like.
    """

    is_certain: bool = False

    @property
    def reasons(self) -> Mapping[str, str]:
        """Descriptions of the documents that each rule drops."""
        return {
            "noText": "no text in the HTML",
            "tooDeep": "HTML nested too deeply",
            "tooManyAttributes": "an HTML tag with too many attributes",
            "tooSlow": f"HTML that takes more than {CPU_SECONDS:g} seconds or too much memory",
        }

    def prepare(self) -> TextFunction:
        """Choose the extractor; the precise one starts a process with the first page."""
        main_text = PreciseReader().text if self.section.extractor else quick_text
        extract = extract_text if self.is_certain else extract_if_html
        return one_by_one(partial(extract, main_text=main_text))


def is_html(text: str) -> bool:
    """Whether a text is an HTML document or fragment, and does not merely hold some HTML.

    A document says so in its first tag. A fragment begins with a block and ends with a tag, and has
    no line of Markdown, where HTML may stand between the lines. In doubt a text is no HTML, for
    what is taken for HTML loses its line breaks and indentation.
    """
    if _DOCUMENT.match(text):
        return True
    return (
        _STARTS_WITH_BLOCK.match(text) is not None
        and _ENDS_WITH_TAG.search(text[-_LONGEST_LAST_TAG:]) is not None
        and _MARKDOWN.search(text) is None
    )


def quick_text(html: str) -> str:
    """The main text of HTML, without navigation, scripts and styles, by resiliparse."""
    from resiliparse.extract.html2text import extract_plain_text

    text: str = extract_plain_text(html, main_content=True, alt_texts=False)
    return text


MainText = Callable[[str], str | TooSlow | None]
"""A function that extracts the main text of HTML."""


def extract_if_html(text: str, main_text: MainText = quick_text) -> str | Dropped:
    """The text of an HTML document; any other text as it is."""
    return extract_text(text, main_text) if is_html(text) else text


def extract_text(html: str, main_text: MainText = quick_text) -> str | Dropped:
    """The main text of HTML.

    It is dropped where it holds no text, and where it would take too long.
    """
    rule = broken_bound(html)
    if rule is not None:
        return Dropped(rule)
    text = main_text(html)
    if isinstance(text, TooSlow):
        return Dropped("tooSlow")
    return text if text and text.strip() else Dropped("noText")


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
