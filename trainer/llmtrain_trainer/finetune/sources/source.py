"""What every source of conversations can do."""

from collections.abc import Iterator
from typing import Protocol

from llmtrain_trainer.conversations.conversation import Conversation
from llmtrain_trainer.data.rows import BadRows


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
