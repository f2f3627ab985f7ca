"""Packs conversations into sequences, and writes them."""

from array import array
from bisect import bisect_left, insort
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Self

import numpy as np

from llmtrain_trainer.conversations.encode import Encoded
from llmtrain_trainer.finetune.packed.format import (
    INDEX_FILE,
    LABEL,
    LABELS_FILE,
    LAYOUT_FILE,
    TOKEN,
    TOKENS_FILE,
    PackedIndex,
    digest,
)
from llmtrain_trainer.training.samples import IGNORED


def pack(lengths: Sequence[int], capacity: int) -> list[list[int]]:
    """Best-fit decreasing bin packing (Johnson 1973), the same for the same lengths.

    The longest comes first, each goes where the least room is left over. It needs at most 11/9 of
    the fewest possible sequences, and one more.

    Args:
        lengths: in tokens, each from 1 to `capacity`.
        capacity: tokens of a sequence.

    Returns:
        For each sequence the numbers of its conversations; each number once.
    """
    sequences: list[list[int]] = []
    with_room: dict[int, list[int]] = defaultdict(list)  # room left: sequences
    rooms: list[int] = []  # the keys of `with_room`, sorted
    for number in sorted(range(len(lengths)), key=lambda number: -lengths[number]):
        length = lengths[number]
        place = bisect_left(rooms, length)
        if place < len(rooms):
            room = rooms[place]
            chosen = with_room[room].pop()
            if not with_room[room]:
                del with_room[room], rooms[place]
            sequences[chosen].append(number)
        else:
            room, chosen = capacity, len(sequences)
            sequences.append([number])
        left = room - length
        if left:
            if left not in with_room:
                insort(rooms, left)
            with_room[left].append(chosen)
    return sequences


class PackedWriter:
    """Writes packed sequences in constant memory for the tokens; a context manager.

    Args:
        folder: made here.
        sequence_length: T, in tokens.
        packing: whether conversations share sequences.
        padding_id: the token that fills a sequence up.
    """

    def __init__(
        self, folder: Path, *, sequence_length: int, packing: bool, padding_id: int
    ) -> None:
        self._folder = folder
        self._sequence_length = sequence_length
        self._packing = packing
        self._padding_id = padding_id
        self._starts = array("q", [0])
        self._label_counts = array("q")
        self._num_cut = self._num_without_answer = 0
        folder.mkdir(parents=True)
        self._tokens = (folder / TOKENS_FILE).open("wb")
        self._labels = (folder / LABELS_FILE).open("wb")

    @property
    def num_conversations(self) -> int:
        """Conversations that were taken in so far."""
        return len(self._label_counts)

    @property
    def num_left_out(self) -> int:
        """Conversations without an answer inside a sequence."""
        return self._num_without_answer

    @property
    def num_cut(self) -> int:
        """Conversations that lost their end."""
        return self._num_cut

    def has_answer(self, encoded: Encoded) -> bool:
        """Whether a conversation has a token that counts inside a sequence."""
        return bool(encoded.counts[1 : self._sequence_length + 1].any())

    def write(self, encoded: Encoded) -> None:
        """Append a conversation.

        Its positions end before the last token that counts: what follows teaches nothing.
        """
        longest = self._sequence_length + 1  # the last token is only a label
        counted = np.flatnonzero(encoded.counts[1:longest])
        end = int(counted[-1]) + 1 if len(counted) else 0
        if not end:
            self._num_without_answer += 1
            return
        self._num_cut += bool(encoded.counts[longest:].any())
        labels = np.where(encoded.counts[1:], encoded.tokens[1:].astype(np.int64), IGNORED)
        self._tokens.write(encoded.tokens[:end].astype(TOKEN).tobytes())
        self._labels.write(labels[:end].astype(LABEL).tobytes())
        self._starts.append(self._starts[-1] + end)
        self._label_counts.append(len(counted))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._tokens.close()
        self._labels.close()
        if kind is None:
            self._finish()

    def _finish(self) -> None:
        starts = np.array(self._starts, dtype=np.int64)
        sequences = self._sequences(np.diff(starts).tolist())
        bounds = np.cumsum([0, *map(len, sequences)], dtype=np.int64)
        order = np.array([number for each in sequences for number in each], dtype=np.int64)
        counts = np.array(self._label_counts, dtype=np.int64)
        totals = np.concatenate([[0], np.cumsum(counts[order])])
        np.savez(
            self._folder / LAYOUT_FILE,
            starts=starts,
            order=order,
            bounds=bounds,
            label_counts=np.diff(totals[bounds]),
        )
        index = PackedIndex(
            sequence_length=self._sequence_length,
            padding_id=self._padding_id,
            num_sequences=len(sequences),
            num_conversations=self.num_conversations,
            num_cut=self._num_cut,
            num_without_answer=self._num_without_answer,
            num_positions=int(starts[-1]),
            num_labels=int(counts.sum()),
            sha256=digest(self._folder),
        )
        text = index.model_dump_json(indent=2) + "\n"
        (self._folder / INDEX_FILE).write_text(text, encoding="utf-8")

    def _sequences(self, lengths: Sequence[int]) -> list[list[int]]:
        if self._packing:
            return pack(lengths, self._sequence_length)
        return [[number] for number in range(len(lengths))]
