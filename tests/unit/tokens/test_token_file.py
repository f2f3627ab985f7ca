"""Token files: what is written is read back, and damage is noticed."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmtrain_trainer.errors import UserError
from llmtrain_trainer.tokens.files import (
    DOCUMENTS_FILE,
    INDEX_FILE,
    TOKENS_FILE,
    TokenFile,
    TokenFileWriter,
)
from llmtrain_trainer.tokens.sequences import TokenSequences


def write(folder: Path, documents: list[list[int]], *, vocabulary_size: int = 100) -> Path:
    """A token file of these documents; each token stands for three bytes."""
    with TokenFileWriter(
        folder, vocabulary_size=vocabulary_size, end_of_text_id=0, tokenizer="f" * 64
    ) as writer:
        for document in documents:
            writer.write(
                np.array(document, dtype=np.uint32),
                np.array([len(document)]),
                np.array([3 * len(document)]),
            )
    return folder


def test_documents_are_read_back_with_their_places(tmp_path: Path) -> None:
    file = TokenFile.open(write(tmp_path / "t", [[5, 6, 0], [7, 0]]))
    assert file.tokens.tolist() == [5, 6, 0, 7, 0]
    assert file.documents.tolist() == [[0, 0], [3, 9], [5, 15]]
    assert (file.index.num_tokens, file.index.num_documents, file.index.num_bytes) == (5, 2, 15)
    file.verify()


@pytest.mark.parametrize(("vocabulary_size", "dtype"), [(2**16, "uint16"), (2**16 + 1, "uint32")])
def test_largest_token_of_a_vocabulary_survives(
    tmp_path: Path, vocabulary_size: int, dtype: str
) -> None:
    folder = write(tmp_path / "t", [[vocabulary_size - 1, 0]], vocabulary_size=vocabulary_size)
    file = TokenFile.open(folder)
    assert file.index.dtype == dtype
    assert file.tokens.tolist() == [vocabulary_size - 1, 0]


def test_no_documents_make_an_empty_file(tmp_path: Path) -> None:
    file = TokenFile.open(write(tmp_path / "t", []))
    assert len(file.tokens) == 0
    assert file.documents.tolist() == [[0, 0]]


@pytest.mark.parametrize("name", [TOKENS_FILE, DOCUMENTS_FILE, INDEX_FILE])
def test_a_missing_or_cut_file_is_named(tmp_path: Path, name: str) -> None:
    path = write(tmp_path / "t", [[5, 6, 0], [7, 0]]) / name
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    with pytest.raises(UserError, match=name):
        TokenFile.open(tmp_path / "t")
    path.unlink()
    with pytest.raises(UserError, match=f"{name}.*run the tokenizer stage again"):
        TokenFile.open(tmp_path / "t")


def test_documents_of_another_file_are_refused(tmp_path: Path) -> None:
    folder = write(tmp_path / "t", [[5, 6, 0], [7, 0]])
    other = write(tmp_path / "other", [[5, 0], [7, 0]])
    (other / DOCUMENTS_FILE).rename(folder / DOCUMENTS_FILE)
    with pytest.raises(UserError, match="totals differ"):
        TokenFile.open(folder)


def test_one_changed_bit_is_found(tmp_path: Path) -> None:
    path = write(tmp_path / "t", [[5, 6, 0]]) / TOKENS_FILE
    data = bytearray(path.read_bytes())
    data[2] ^= 1
    path.write_bytes(data)
    with pytest.raises(UserError, match="SHA-256"):
        TokenFile.open(tmp_path / "t").verify()


def test_a_failed_write_leaves_nothing_that_opens(tmp_path: Path) -> None:
    def fail_half_way() -> None:
        with TokenFileWriter(
            tmp_path / "t", vocabulary_size=100, end_of_text_id=0, tokenizer=""
        ) as writer:
            writer.write(np.array([1, 0], dtype=np.uint32), np.array([2]), np.array([1]))
            raise RuntimeError("disk full")

    with pytest.raises(RuntimeError):
        fail_half_way()
    with pytest.raises(UserError, match=INDEX_FILE):
        TokenFile.open(tmp_path / "t")


@given(
    tokens=st.lists(st.integers(0, 99), min_size=2, max_size=60),
    length=st.integers(1, 10),
    data=st.data(),
)
def test_sequences_are_the_pieces_of_the_tokens(
    tmp_path_factory: pytest.TempPathFactory, tokens: list[int], length: int, data: st.DataObject
) -> None:
    file = TokenFile.open(write(tmp_path_factory.mktemp("s") / "t", [tokens]))
    pieces = [
        (tokens[start : start + length], tokens[start + 1 : start + length + 1])
        for start in range(0, len(tokens) - length, length)
    ]
    if not pieces:
        with pytest.raises(UserError, match="too few"):
            TokenSequences(file, length)
        return
    samples = TokenSequences(file, length)
    assert len(samples) == len(pieces)
    chosen = data.draw(st.lists(st.integers(0, len(pieces) - 1), max_size=5))
    batch = samples.batch(np.array(chosen, dtype=np.int64))
    assert batch.input_ids.shape == batch.labels.shape == (len(chosen), length)
    assert batch.input_ids.tolist() == [pieces[i][0] for i in chosen]
    assert batch.labels.tolist() == [pieces[i][1] for i in chosen]
    assert samples.label_counts(np.array(chosen)).tolist() == [length] * len(chosen)
