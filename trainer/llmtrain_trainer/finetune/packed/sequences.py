"""Reads packed sequences: the samples of fine-tuning."""

from dataclasses import dataclass
from pathlib import Path
from typing import Self, TypeVar
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from llmtrain_api.faults import describe_faults
from llmtrain_trainer.errors import UserError
from llmtrain_trainer.finetune.packed.format import (
    INDEX_FILE,
    LABEL,
    LABELS_FILE,
    LAYOUT_FILE,
    TOKEN,
    TOKENS_FILE,
    PackedIndex,
)
from llmtrain_trainer.training.samples import IGNORED, Batch

Number = TypeVar("Number", np.uint32, np.int32)


@dataclass(frozen=True)
class _Layout:
    """The arrays of `format.LAYOUT_FILE`."""

    starts: NDArray[np.int64]
    order: NDArray[np.int64]
    bounds: NDArray[np.int64]
    label_counts: NDArray[np.int64]


class PackedSequences:
    """Sequences of whole conversations, with the borders between them.

    Args:
        index: what the arrays mean.
        tokens: the token of each position, shape (num_positions,).
        labels: what each position must predict, shape (num_positions,).
        layout: which positions make up each sequence.
    """

    def __init__(
        self,
        index: PackedIndex,
        tokens: NDArray[np.uint32],
        labels: NDArray[np.int32],
        layout: _Layout,
    ) -> None:
        self.index = index
        self._tokens = tokens
        self._labels = labels
        self._layout = layout

    @classmethod
    def open(cls, folder: Path) -> Self:
        """Open what a `PackedWriter` wrote, without reading it into memory.

        Raises:
            UserError: a file is missing, or is not what the index says.
        """
        index = _read_index(folder)
        layout = _read_layout(folder)
        if len(layout.bounds) != index.num_sequences + 1:
            raise _broken(folder / LAYOUT_FILE, "its sequences are not those of the index")
        return cls(
            index,
            _map(folder / TOKENS_FILE, TOKEN, index.num_positions),
            _map(folder / LABELS_FILE, LABEL, index.num_positions),
            layout,
        )

    def __len__(self) -> int:
        """Sequences in one epoch."""
        return self.index.num_sequences

    def batch(self, indices: NDArray[np.int64]) -> Batch:
        """The sequences with these numbers, each in [0, len)."""
        shape = (len(indices), self.index.sequence_length)
        input_ids = np.full(shape, self.index.padding_id, dtype=np.int64)
        labels = np.full(shape, IGNORED, dtype=np.int64)
        segments = np.full(shape, -1, dtype=np.int64)
        starts, order, bounds = self._layout.starts, self._layout.order, self._layout.bounds
        for row, index in enumerate(indices):
            filled = 0
            for segment, number in enumerate(order[bounds[index] : bounds[index + 1]]):
                source = slice(starts[number], starts[number + 1])
                target = slice(filled, filled + source.stop - source.start)
                input_ids[row, target] = self._tokens[source]
                labels[row, target] = self._labels[source]
                segments[row, target] = segment
                filled = target.stop
        shared = bool((segments > 0).any())  # else nothing has to be kept apart
        return Batch(input_ids=input_ids, labels=labels, segments=segments if shared else None)

    def label_counts(self, indices: NDArray[np.int64]) -> NDArray[np.int64]:
        """Labels that count, for each of these sequences; shape (len(indices),)."""
        return self._layout.label_counts[indices]


def _read_index(folder: Path) -> PackedIndex:
    path = folder / INDEX_FILE
    try:
        return PackedIndex.model_validate_json(path.read_bytes())
    except OSError as error:
        raise _broken(path, error.strerror or str(error)) from error
    except ValidationError as error:
        raise _broken(path, "; ".join(describe_faults(error))) from error


def _read_layout(folder: Path) -> _Layout:
    path = folder / LAYOUT_FILE
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            return _Layout(**arrays)
    except (OSError, ValueError, TypeError, EOFError, BadZipFile) as error:
        raise _broken(path, str(error)) from error


def _map(path: Path, dtype: np.dtype[Number], length: int) -> NDArray[Number]:
    try:
        size = path.stat().st_size
    except OSError as error:
        raise _broken(path, error.strerror or str(error)) from error
    if size != length * dtype.itemsize:
        raise _broken(path, f"it has {size} bytes, the index says {length * dtype.itemsize}")
    if size == 0:  # an empty file cannot be mapped
        return np.empty(0, dtype=dtype)
    return np.memmap(path, dtype=dtype, mode="r")


def _broken(path: Path, fault: str) -> UserError:
    return UserError(
        f"{path}: {fault}; delete {path.parent.parent} and run the finetune stage again",
        reason="InvalidConversations",
    )
