"""Token files: what is written is read back, and damage is noticed."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.token_files import all_tokens, write_token_file

from llmtrain_trainer.errors import UserError
from llmtrain_trainer.tokens.files import INDEX_FILE, TokenFile, documents_file, tokens_file
from llmtrain_trainer.tokens.sequences import TokenSequences


def write(folder: Path, *shards: list[list[int]], vocabulary_size: int = 100) -> Path:
    """A token file of these documents; each token stands for three bytes."""
    return write_token_file(folder, *shards, vocabulary_size=vocabulary_size, bytes_per_token=3)


def test_documents_are_read_back_with_their_places(tmp_path: Path) -> None:
    file = TokenFile(write(tmp_path / "t", [[5, 6, 0], [7, 0]], [[8, 0]]))
    assert all_tokens(file) == [5, 6, 0, 7, 0, 8, 0]
    assert file.documents(0).tolist() == [[0, 0], [3, 9], [5, 15]]
    assert file.documents(1).tolist() == [[0, 0], [2, 6]]
    assert (file.index.num_tokens, file.index.num_documents, file.index.num_bytes) == (7, 3, 21)
    file.verify()


@pytest.mark.parametrize(("vocabulary_size", "dtype"), [(2**16, "uint16"), (2**16 + 1, "uint32")])
def test_largest_token_of_a_vocabulary_survives(
    tmp_path: Path, vocabulary_size: int, dtype: str
) -> None:
    folder = write(tmp_path / "t", [[vocabulary_size - 1, 0]], vocabulary_size=vocabulary_size)
    file = TokenFile(folder)
    assert file.index.dtype == dtype
    assert all_tokens(file) == [vocabulary_size - 1, 0]


def test_no_documents_make_an_empty_file(tmp_path: Path) -> None:
    for name, shards in (("none", []), ("empty", [[]])):
        file = TokenFile(write(tmp_path / name, *shards))
        assert all_tokens(file) == []
        file.verify()


@pytest.mark.parametrize("name", [tokens_file(1), documents_file(1), INDEX_FILE])
def test_a_missing_or_cut_file_is_named(tmp_path: Path, name: str) -> None:
    path = write(tmp_path / "t", [[5, 6, 0]], [[7, 8, 0], [9, 0]]) / name
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    with pytest.raises(UserError, match=name):
        TokenFile(tmp_path / "t")
    path.unlink()
    with pytest.raises(
        UserError, match=rf"{name}.*delete {tmp_path} and run the tokenizer stage again"
    ):
        TokenFile(tmp_path / "t")


def test_documents_of_another_file_are_refused(tmp_path: Path) -> None:
    folder = write(tmp_path / "t", [[5, 6, 0], [7, 0]])
    other = write(tmp_path / "other", [[5, 0], [7, 0]])
    (other / documents_file(0)).rename(folder / documents_file(0))
    with pytest.raises(UserError, match="totals differ"):
        TokenFile(folder)


def test_one_changed_bit_is_found(tmp_path: Path) -> None:
    path = write(tmp_path / "t", [[5, 6, 0]]) / tokens_file(0)
    data = bytearray(path.read_bytes())
    data[2] ^= 1
    path.write_bytes(data)
    with pytest.raises(UserError, match="SHA-256"):
        TokenFile(tmp_path / "t").verify()


@given(
    tokens=st.lists(st.integers(0, 99), min_size=2, max_size=60),
    length=st.integers(1, 10),
    cuts=st.lists(st.integers(0, 60), max_size=6).map(sorted),
    data=st.data(),
)
def test_sequences_are_the_pieces_of_the_tokens_however_these_are_cut_into_shards(
    tmp_path_factory: pytest.TempPathFactory,
    tokens: list[int],
    length: int,
    cuts: list[int],
    data: st.DataObject,
) -> None:
    shards = [[tokens[begin:end]] for begin, end in pairwise((0, *cuts, len(tokens)))]
    file = TokenFile(write(tmp_path_factory.mktemp("s") / "t", *shards))
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


@given(
    parts=st.lists(st.integers(0, 25), min_size=1, max_size=4),
    length=st.integers(1, 6),
)
def test_sequences_of_parts_stay_within_their_part(
    tmp_path_factory: pytest.TempPathFactory, parts: list[int], length: int
) -> None:
    ends = np.cumsum(parts).tolist()
    rows = [list(range(end - part, end)) for end, part in zip(ends, parts, strict=True)]
    file = TokenFile(write(tmp_path_factory.mktemp("s") / "t", *[[row] for row in rows]))
    pieces = [
        row[start : start + length + 1]
        for row in rows
        for start in range(0, len(row) - length, length)
    ]
    if not pieces:
        return
    samples = TokenSequences(file, length, parts)
    batch = samples.batch(np.arange(len(samples)))
    assert batch.input_ids.tolist() == [piece[:-1] for piece in pieces]
    assert batch.labels.tolist() == [piece[1:] for piece in pieces]


def test_few_shards_are_mapped_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("llmtrain_trainer.tokens.files._MOST_OPEN", 2)
    file = TokenFile(write(tmp_path / "t", *[[[number]] for number in range(5)]))
    for _ in range(2):
        assert all_tokens(file) == [0, 1, 2, 3, 4]
    assert len(file._open) == 2
