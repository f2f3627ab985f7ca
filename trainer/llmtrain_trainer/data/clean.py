"""Repairs documents: text out of HTML, mojibake, emoji."""

import re

from llmtrain_api.spec.data import Clean
from llmtrain_trainer.data.step import Step

_BLOCKS = (
    "article|aside|blockquote|body|div|footer|form|h[1-6]|head|header|html|li|main|nav|ol|p|pre"
    "|script|section|style|table|tbody|td|th|title|tr|ul"
)
_STARTS_AS_HTML = re.compile(rf"\s*(<!doctype\s+html|<!--|<({_BLOCKS})(\s[^<>]*)?>)", re.IGNORECASE)
_CLOSES_BLOCK = re.compile(rf"</({_BLOCKS})\s*>", re.IGNORECASE)
_MANY = 3


def cleaners(clean: Clean) -> list[Step]:
    """The steps that a manifest asks for, in order."""
    steps = [
        (clean.html, Step("clean.html", extract_text)),
        (clean.unicode, Step("clean.unicode", repair_unicode)),
        (clean.emoji_to_text, Step("clean.emojiToText", spell_emoji)),
    ]
    return [step for wanted, step in steps if wanted]


def looks_like_html(text: str) -> bool:
    """Whether a text is marked up as HTML, and does not merely speak of it.

    It is when it starts with a tag of a page's structure, or closes several of them; `a < b` and
    a documented `<b>` stay text.
    """
    if "<" not in text:
        return False
    if _STARTS_AS_HTML.match(text):
        return True
    return sum(1 for _ in _CLOSES_BLOCK.finditer(text)) >= _MANY


def extract_text(text: str) -> str:
    """The main text of an HTML document, without navigation, scripts and styles."""
    from resiliparse.extract.html2text import extract_plain_text

    if not looks_like_html(text):
        return text
    extracted: str = extract_plain_text(text, main_content=True, alt_texts=False)
    return extracted


def repair_unicode(text: str) -> str:
    """Repair wrongly decoded text and normalize to NFC (Unicode Standard Annex 15)."""
    import ftfy

    # What is no damage stays: entities, curly quotes, ligatures, full-width characters.
    return ftfy.fix_text(
        text,
        unescape_html=False,
        uncurl_quotes=False,
        fix_latin_ligatures=False,
        fix_character_width=False,
        normalization="NFC",
    )


def spell_emoji(text: str) -> str:
    """Write emoji as their names: 👍 becomes `:thumbs_up:`."""
    import emoji

    return text if text.isascii() else emoji.demojize(text)
