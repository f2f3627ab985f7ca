"""Borders of the documents that share sequences, found on the host beside the batch."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch._dynamo import mark_dynamic


@dataclass(frozen=True)
class Documents:
    """Documents of a batch of shape (B, T); padding at a sequence's end is one more of them."""

    position_ids: Tensor
    """(B, T); counted from the start of each document."""
    borders: Tensor
    """(N + 1,), int32: where each of the N documents begins in the B x T positions of the batch,
    and last B x T."""
    longest: Tensor
    """(L, 0), on the host, where L is the length of the longest document. To torch.compile it is a
    size, which may change without anything being compiled anew; a number may not."""

    @classmethod
    def of(cls, segments: NDArray[np.int64]) -> "Documents":
        """The documents of a batch, in the host's memory.

        Args:
            segments: (B, T), a document's number in its sequence; -1 for padding at the end.
        """
        starts = np.ones(segments.shape, dtype=np.bool_)
        starts[:, 1:] = segments[:, 1:] != segments[:, :-1]
        steps = np.arange(segments.shape[1])
        first = np.maximum.accumulate(np.where(starts, steps, 0), axis=1)
        borders = np.append(np.flatnonzero(starts), segments.size).astype(np.int32)
        longest = int(np.diff(borders).max())
        return cls(
            torch.from_numpy(steps - first), torch.from_numpy(borders), torch.empty(longest, 0)
        )

    def pinned(self) -> "Documents":
        """The same in page-locked memory, from which copies run beside the host's work."""
        return Documents(self.position_ids.pin_memory(), self.borders.pin_memory(), self.longest)

    def to(self, device: torch.device) -> "Documents":
        """The documents on a device; how many and how long they are may change with each batch."""
        moved = Documents(
            self.position_ids.to(device, non_blocking=True),
            self.borders.to(device, non_blocking=True),
            self.longest,
        )
        mark_dynamic(moved.borders, 0)
        mark_dynamic(moved.longest, 0)
        return moved
