"""Turns the sources of a manifest into sources of conversations."""

from collections.abc import Iterator, Sequence
from typing import Protocol

from llmtrain_api.spec.finetune import ChatSource
from llmtrain_trainer.conversations.conversation import Conversation
from llmtrain_trainer.data.rows import BadRows
from llmtrain_trainer.stage import StageContext


class ConversationSource(Protocol):
    """Gives conversations, always the same ones in the same order."""

    @property
    def identity(self) -> str:
        """Changes when the conversations may have changed."""
        ...

    @property
    def max_bad_rows(self) -> int:
        """Rows that may be skipped."""
        ...

    def conversations(self, bad_rows: BadRows) -> Iterator[Conversation]:
        """All of them.

        Args:
            bad_rows: counts the rows that hold no conversation.

        Raises:
            UserError: what is read is no conversation; the message says where.
        """
        ...


def conversation_sources(
    sections: Sequence[ChatSource], context: StageContext
) -> list[ConversationSource]:
    """A source for each section, in the order of the manifest.

    Raises:
        UserError: a source cannot be found.
    """
    return [_source(section, context) for section in sections]


def _source(section: ChatSource, context: StageContext) -> ConversationSource:
    """One source; its module is loaded only when it is used."""
    if section.python_docs is not None:
        from llmtrain_trainer.finetune.sources.python_docs import PythonDocsSource

        return PythonDocsSource()
    if section.files is not None:
        from llmtrain_trainer.finetune.sources.files import files_source

        return files_source(section.files, context)
    if section.hugging_face is not None:
        from llmtrain_trainer.finetune.sources.hugging_face import hugging_face_source

        return hugging_face_source(section.hugging_face, context)
    raise AssertionError("the contract lets no source pass without a kind")
