"""The step `emojiToText`: emoji are written as words."""

from llmtrain_api.spec.step_sections.cleaning import EmojiToText
from llmtrain_trainer.data.steps.base import DocumentStep, TextFunction, one_by_one


class EmojiToTextStep(DocumentStep[EmojiToText]):
    """Writes emoji as their names: 👍 becomes `:thumbs_up:`."""

    def prepare(self) -> TextFunction:
        """Load the names."""
        import emoji

        return one_by_one(lambda text: text if text.isascii() else emoji.demojize(text))
