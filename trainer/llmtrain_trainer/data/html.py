"""HTML documents: which texts are some, and the text that they hold."""

import re

from llmtrain_trainer.data.html_bounds import broken_bound
from llmtrain_trainer.data.step import Dropped

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


def extract_if_html(text: str) -> str | Dropped:
    """The text of an HTML document; any other text as it is."""
    return extract_text(text) if is_html(text) else text


def extract_text(html: str) -> str | Dropped:
    """The main text of HTML, without navigation, scripts and styles.

    It is dropped where it holds no text, and where its nesting would take too long.
    """
    from resiliparse.extract.html2text import extract_plain_text

    rule = broken_bound(html)
    if rule is not None:
        return Dropped(rule)
    text: str = extract_plain_text(html, main_content=True, alt_texts=False)
    return text if text.strip() else Dropped("noText")
