"""The sequences of pretraining: the tokens of all documents, cut into equal pieces."""

from collections.abc import Sequence
from itertools import accumulate

import numpy as np
from numpy.typing import NDArray

from llmtrain_planner.stage_plan import count_sequences
from llmtrain_trainer.errors import UserError
from llmtrain_trainer.tokens.files import TokenFile
from llmtrain_trainer.training.samples import Batch


class TokenSequences:
    """Sequence i holds tokens [i·T, (i + 1)·T) and must predict those one further on.

    The rest of less than one sequence at the end is not used. Where the tokens are cut into parts,
    no sequence reaches from one into the next; those of the first part come first.

    Args:
        token_file: where the tokens lie.
        sequence_length: T, in tokens.
        parts: tokens of each part, which follow each other; by default all tokens are one.

    Raises:
        UserError: there are too few tokens for one sequence.
    """

    def __init__(
        self, token_file: TokenFile, sequence_length: int, parts: Sequence[int] | None = None
    ) -> None:
        num_tokens = token_file.index.num_tokens
        parts = [num_tokens] if parts is None else parts
        counts = [count_sequences(part, sequence_length) for part in parts]
        if not sum(counts):
            raise UserError(
                f"{token_file.folder}: {num_tokens} tokens are too few for one sequence of "
                f"{sequence_length}; lower sequenceLength or add data",
                reason="TooFewTokens",
            )
        self._token_file = token_file
        self._sequence_length = sequence_length
        self._first_numbers = np.array([*accumulate(counts, initial=0)])
        """Number of each part's first sequence, and of all."""
        self._first_tokens = np.array([*accumulate(parts, initial=0)])

    def __len__(self) -> int:
        """Sequences in one epoch."""
        return int(self._first_numbers[-1])

    def batch(self, indices: NDArray[np.int64]) -> Batch:
        """The sequences with these numbers, each in [0, len)."""
        parts = np.searchsorted(self._first_numbers, indices, side="right") - 1
        inside = indices.astype(np.int64) - self._first_numbers[parts]
        starts = self._first_tokens[parts] + inside * self._sequence_length
        tokens = self._token_file.sequences(starts, self._sequence_length + 1)
        return Batch(input_ids=tokens[:, :-1], labels=tokens[:, 1:])

    def label_counts(self, indices: NDArray[np.int64]) -> NDArray[np.int64]:
        """Every position counts; shape (len(indices),)."""
        return np.full(len(indices), self._sequence_length, dtype=np.int64)
