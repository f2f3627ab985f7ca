"""What every source of conversations can do."""

from collections.abc import Iterator
from typing import Protocol

from llmtrain_trainer.finetune.conversation import Conversation


class ConversationSource(Protocol):
    """Gives conversations, always the same ones in the same order."""

    @property
    def identity(self) -> str:
        """Changes when the conversations may have changed."""
        ...

    def conversations(self) -> Iterator[Conversation]:
        """All of them.

        Raises:
            UserError: what is read is no conversation; the message says where.
        """
        ...
