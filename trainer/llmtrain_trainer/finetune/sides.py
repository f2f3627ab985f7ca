"""The two sides of fine-tuning's data: conversations to learn from, and conversations held out."""

from collections.abc import Iterator
from pathlib import Path
from typing import Self

import numpy as np

from llmtrain_trainer.conversations.conversation import Conversation
from llmtrain_trainer.conversations.encode import Encoded
from llmtrain_trainer.errors import UserError
from llmtrain_trainer.finetune.packed.writer import PackedWriter
from llmtrain_trainer.finetune.split import SeenConversations, choose_held_out, one_sided_answers

_LENGTH = np.dtype("<i8")
_TOKEN = np.dtype("<u4")
_COUNTS = np.dtype(np.bool_)


class Spool:
    """A file-backed queue of conversations; a context manager.

    Args:
        path: path of a file that exists while the context is open.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = path.open("w+b")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()
        self._path.unlink()

    def append(self, encoded: Encoded) -> None:
        """Add a conversation."""
        length = np.array(len(encoded.tokens), dtype=_LENGTH)
        tokens, counts = encoded.tokens.astype(_TOKEN), encoded.counts.astype(_COUNTS)
        self._file.write(length.tobytes() + tokens.tobytes() + counts.tobytes())

    def __iter__(self) -> Iterator[Encoded]:
        """All conversations."""
        self._file.seek(0)
        while head := self._file.read(_LENGTH.itemsize):
            length = int(np.frombuffer(head, dtype=_LENGTH)[0])
            tokens = np.frombuffer(self._file.read(length * _TOKEN.itemsize), dtype=_TOKEN)
            counts = np.frombuffer(self._file.read(length * _COUNTS.itemsize), dtype=_COUNTS)
            yield Encoded(tokens.astype(np.uint32), counts)


class Sides:
    """Writes conversations to their side.

    Args:
        train: takes those to learn from.
        validation: takes those that are held out.
    """

    def __init__(self, train: PackedWriter, validation: PackedWriter) -> None:
        self._train, self._validation = train, validation
        self._seen = SeenConversations()
        self._is_held_out: list[bool] = []
        self._held_out_keys: set[int] = set()
        self._num_on_both_sides = 0

    def hold_out(self, conversation: Conversation, encoded: Encoded) -> None:
        """Write a conversation that is for validation, before any other."""
        if self._validation.has_answer(encoded):
            self._seen.add(conversation)
            self._is_held_out.append(True)
            self._held_out_keys.add(conversation.key)
        self._validation.write(encoded)

    def train(self, conversation: Conversation, encoded: Encoded) -> None:
        """Write a conversation to learn from, unless it is held out too."""
        if conversation.key in self._held_out_keys:
            self._num_on_both_sides += 1
            return
        if self._train.has_answer(encoded):
            self._seen.add(conversation)
            self._is_held_out.append(False)
        self._train.write(encoded)

    def keep(self, conversation: Conversation, encoded: Encoded, spool: Spool) -> None:
        """Keep a conversation until all are known."""
        if self._train.has_answer(encoded):
            self._seen.add(conversation)
            spool.append(encoded)
        else:
            self._train.write(encoded)  # counts it

    def share_out(self, spool: Spool, fraction: float) -> None:
        """Write the conversations that were kept.

        Args:
            spool: holds them.
            fraction: the share to hold out.
        """
        self._is_held_out = choose_held_out(self._seen, fraction).tolist()
        for encoded, is_held_out in zip(spool, self._is_held_out, strict=True):
            (self._validation if is_held_out else self._train).write(encoded)

    def close(self) -> list[str]:
        """Check that no side is empty; returns warnings.

        Raises:
            UserError: there are too few conversations for both sides.
        """
        num_train, num_validation = (
            self._train.num_conversations,
            self._validation.num_conversations,
        )
        if not (num_train and num_validation):
            raise UserError(
                f"finetune.data: {num_train} conversations can be learned from and "
                f"{num_validation} are held out; at least 2 that differ are needed, one for each; "
                "add some, or raise finetune.sequenceLength if their answers lie beyond it",
                reason="TooFewConversations",
            )
        return [
            *one_sided_answers(self._seen, np.array(self._is_held_out, dtype=np.bool_)),
            *self._losses(),
        ]

    def _losses(self) -> list[str]:
        left_out = self._train.num_left_out + self._validation.num_left_out
        cut = self._train.num_cut + self._validation.num_cut
        lost = []
        if left_out:
            lost.append(
                f"{left_out} conversations are left out, since their answers lie beyond "
                "finetune.sequenceLength; raise it"
            )
        if cut:
            lost.append(
                f"{cut} conversations lose the end of an answer, since they are longer than "
                "finetune.sequenceLength; raise it"
            )
        if self._num_on_both_sides:
            lost.append(
                f"{self._num_on_both_sides} conversations of finetune.data.sources are also in "
                "validationSources, and are not learned from"
            )
        return lost
