"""Steps that rewrite documents."""

from llmtrain_api.spec.step_sections.base import StepSection


class Html(StepSection):
    """Text extraction from documents that are HTML as a whole.

    Navigation, scripts and styles go. Markdown, source code and texts that only hold some HTML are
    left as they are. The data report counts what was changed.
    """


class Unicode(StepSection):
    """Repair of wrongly decoded text (mojibake), and normalization to NFC."""


class EmojiToText(StepSection):
    """Emoji written as words: 👍 becomes `:thumbs_up:`."""
