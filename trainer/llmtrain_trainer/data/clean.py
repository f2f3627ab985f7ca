"""Repairs documents: text out of HTML, mojibake, emoji."""

from llmtrain_api.spec.data import Clean
from llmtrain_trainer.data.html import extract_if_html, extract_text
from llmtrain_trainer.data.step import Step

HTML = "clean.html"


def cleaners(clean: Clean, *, is_html: bool = False) -> list[Step]:
    """The steps that a manifest asks for, in order.

    Args:
        clean: the manifest's section.
        is_html: whether all documents are HTML, which is then taken out of them in any case.
    """
    steps = [
        (clean.html or is_html, Step(HTML, extract_text if is_html else extract_if_html)),
        (clean.unicode, Step("clean.unicode", repair_unicode)),
        (clean.emoji_to_text, Step("clean.emojiToText", spell_emoji)),
    ]
    return [step for wanted, step in steps if wanted]


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
