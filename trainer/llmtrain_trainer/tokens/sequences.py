"""The sequences of pretraining: the tokens of all documents, cut into equal pieces."""

import numpy as np
from numpy.typing import NDArray

from llmtrain_trainer.errors import UserError
from llmtrain_trainer.tokens.files import TokenFile
from llmtrain_trainer.training.samples import Batch


class TokenSequences:
    """Sequence i holds tokens [i·T, (i + 1)·T) and must predict those one further on.

    The rest of less than one sequence at the end is not used.

    Args:
        token_file: where the tokens lie.
        sequence_length: T, in tokens.

    Raises:
        UserError: there are too few tokens for one sequence.
    """

    def __init__(self, token_file: TokenFile, sequence_length: int) -> None:
        num_tokens = token_file.index.num_tokens
        if num_tokens <= sequence_length:
            raise UserError(
                f"{token_file.folder}: {num_tokens} tokens are too few for one sequence of "
                f"{sequence_length}; lower sequenceLength or add data",
                reason="TooFewTokens",
            )
        self._token_file = token_file
        self._sequence_length = sequence_length
        # The last token is only ever a label.
        self._num_sequences = (num_tokens - 1) // sequence_length

    def __len__(self) -> int:
        """Sequences in one epoch."""
        return self._num_sequences

    def batch(self, indices: NDArray[np.int64]) -> Batch:
        """The sequences with these numbers, each in [0, len)."""
        starts = indices.astype(np.int64) * self._sequence_length
        tokens = self._token_file.sequences(starts, self._sequence_length + 1)
        return Batch(input_ids=tokens[:, :-1], labels=tokens[:, 1:])

    def label_counts(self, indices: NDArray[np.int64]) -> NDArray[np.int64]:
        """Every position counts; shape (len(indices),)."""
        return np.full(len(indices), self._sequence_length, dtype=np.int64)
