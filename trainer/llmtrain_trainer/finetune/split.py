"""Which conversations are held out."""

from llmtrain_trainer.data.split import is_held_out
from llmtrain_trainer.errors import UserError
from llmtrain_trainer.finetune.conversation import Conversation
from llmtrain_trainer.finetune.encode import Encoded
from llmtrain_trainer.finetune.packed.writer import PackedWriter


class Split:
    """Shares conversations out, by a hash of what the assistant says.

    The first one is written last: where one side stayed empty it goes there, so that two
    conversations are enough for both sides, whatever their hashes.

    Args:
        train: takes those to learn from.
        validation: takes those that are held out.
        fraction: share that is held out.
    """

    def __init__(self, train: PackedWriter, validation: PackedWriter, fraction: float) -> None:
        self._train = train
        self._validation = validation
        self._fraction = fraction
        self._first: tuple[Conversation, Encoded] | None = None

    def write(self, conversation: Conversation, encoded: Encoded) -> None:
        """Write a conversation to its side."""
        if self._first is None:
            self._first = (conversation, encoded)
        elif self._is_held_out(conversation):
            self._validation.write(encoded)
        else:
            self._train.write(encoded)

    def close(self) -> None:
        """Write what was held back.

        Raises:
            UserError: there are too few conversations for both sides.
        """
        if self._first is not None:
            conversation, encoded = self._first
            if not self._train.num_conversations:
                self._train.write(encoded)
            elif not self._validation.num_conversations or self._is_held_out(conversation):
                self._validation.write(encoded)
            else:
                self._train.write(encoded)
        found = self._train.num_conversations + self._validation.num_conversations
        if not (self._train.num_conversations and self._validation.num_conversations):
            raise UserError(
                f"finetune.data: {found} conversations can be learned from, at least 2 are needed "
                "(one is held out); add some, or raise finetune.sequenceLength if their answers "
                "lie beyond it",
                reason="TooFewConversations",
            )

    def _is_held_out(self, conversation: Conversation) -> bool:
        return is_held_out(conversation.split_key, self._fraction)
