"""Opens a token file without reading it into memory."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from llmtrain_api.faults import describe_faults
from llmtrain_trainer.errors import UserError
from llmtrain_trainer.tokens.format import (
    DOCUMENTS_FILE,
    INDEX_FILE,
    TOKENS_FILE,
    TokenIndex,
    storage,
)


@dataclass(frozen=True)
class TokenFile:
    """An opened token file; its arrays are read-only views of the disk.

    Open it in the process that reads it: pickled, the views would travel as copies.
    """

    folder: Path
    index: TokenIndex
    tokens: NDArray[np.uint16] | NDArray[np.uint32]
    """Shape (num_tokens,)."""
    documents: NDArray[np.int64]
    """Shape (num_documents + 1, 2): tokens and bytes before each document; totals last."""

    @classmethod
    def open(cls, folder: Path) -> Self:
        """Open a token file and check that its three files fit together.

        Args:
            folder: as a `TokenFileWriter` left it.

        Raises:
            UserError: a file is missing, is no token file, or is shorter or longer than it says.
        """
        index = _read_index(folder)
        return cls(folder, index, _map_tokens(folder, index), _map_documents(folder, index))

    def verify(self) -> None:
        """Read all tokens and compare their checksum.

        Raises:
            UserError: the tokens are not those that were written.
        """
        with (self.folder / TOKENS_FILE).open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
        if found != self.index.sha256:
            raise _broken(self.folder / TOKENS_FILE, "its SHA-256 differs from the index")


def _read_index(folder: Path) -> TokenIndex:
    path = folder / INDEX_FILE
    try:
        return TokenIndex.model_validate_json(path.read_bytes())
    except OSError as error:
        raise _broken(path, error.strerror or str(error)) from error
    except ValidationError as error:
        raise _broken(path, "; ".join(describe_faults(error))) from error


def _map_tokens(folder: Path, index: TokenIndex) -> NDArray[np.uint16] | NDArray[np.uint32]:
    path = folder / TOKENS_FILE
    try:
        size = path.stat().st_size
    except OSError as error:
        raise _broken(path, error.strerror or str(error)) from error
    stored = storage(index.dtype)
    expected = index.num_tokens * stored.itemsize
    if size != expected:
        raise _broken(path, f"it has {size} bytes, the index says {expected}")
    if size == 0:  # an empty file cannot be mapped
        return np.empty(0, dtype=stored)
    return np.memmap(path, dtype=stored, mode="r")


def _map_documents(folder: Path, index: TokenIndex) -> NDArray[np.int64]:
    path = folder / DOCUMENTS_FILE
    try:
        documents: NDArray[np.int64] = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise _broken(path, str(error)) from error
    shape = (index.num_documents + 1, 2)
    if documents.shape != shape or documents.dtype != np.int64:
        raise _broken(path, f"it is {documents.dtype}{documents.shape}, expected int64{shape}")
    if documents[-1].tolist() != [index.num_tokens, index.num_bytes]:
        raise _broken(path, "its totals differ from the index")
    return documents


def _broken(path: Path, fault: str) -> UserError:
    return UserError(
        f"{path}: {fault}; delete {path.parent} and run the tokenizer stage again",
        reason="InvalidTokenFile",
    )
