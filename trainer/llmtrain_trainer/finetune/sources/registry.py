"""Turns the sources of a manifest into sources of conversations."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice
from typing import Protocol

from llmtrain_api.spec.finetune import ChatSource
from llmtrain_trainer.conversations.conversation import Conversation
from llmtrain_trainer.data.readers.rows import BadRows
from llmtrain_trainer.errors import Interrupted
from llmtrain_trainer.stage import StageContext

_CONVERSATIONS_AT_A_TIME = 512


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


def in_batches(
    sources: Iterable[Iterable[Conversation]], context: StageContext, activity: str
) -> Iterator[list[Conversation]]:
    """The conversations of some sources, a few hundred at a time.

    Args:
        sources: conversations by source.
        context: context of the stage, for progress.
        activity: activity in the progress report: `counting conversations`.

    Raises:
        Interrupted: a stop was requested.
    """
    every, done = chain.from_iterable(sources), 0
    while some := list(islice(every, _CONVERSATIONS_AT_A_TIME)):
        if context.stop.is_set():
            raise Interrupted(f"stopped while {activity}; they will be read anew")
        done += len(some)
        context.progress.update(activity=f"{activity} ({done:,} read)")
        yield some


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
