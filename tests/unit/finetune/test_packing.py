"""Packing: every conversation once, whole, in few sequences, with its borders kept."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmtrain_trainer.conversations.encode import Encoded
from llmtrain_trainer.errors import UserError
from llmtrain_trainer.finetune.packed.sequences import PackedSequences
from llmtrain_trainer.finetune.packed.writer import PackedWriter, pack
from llmtrain_trainer.training.samples import IGNORED

PADDING = 9


def conversation(*tokens: int, counts: str) -> Encoded:
    """Tokens, and for each a digit that says whether it counts."""
    flags = np.array([digit == "1" for digit in counts])
    return Encoded(np.array(tokens, dtype=np.uint32), flags)


def write(
    folder: Path, conversations: Sequence[Encoded], *, length: int, packing: bool = True
) -> PackedSequences:
    with PackedWriter(
        folder, sequence_length=length, packing=packing, padding_id=PADDING
    ) as writer:
        for each in conversations:
            writer.write(each)
    return PackedSequences.open(folder)


def rows(samples: PackedSequences) -> list[tuple[list[int], list[int], list[int]]]:
    """Input tokens, labels and segments of all sequences."""
    batch = samples.batch(np.arange(len(samples)))
    # Without segments each sequence holds one conversation; padding is never a label.
    alone = np.where(batch.input_ids == PADDING, -1, 0)
    segments = alone if batch.segments is None else batch.segments
    return list(
        zip(batch.input_ids.tolist(), batch.labels.tolist(), segments.tolist(), strict=True)
    )


@given(lengths=st.lists(st.integers(1, 20), max_size=60))
def test_each_conversation_is_packed_once_and_fits(lengths: list[int]) -> None:
    sequences = pack(lengths, 20)
    assert sorted(number for each in sequences for number in each) == list(range(len(lengths)))
    assert all(sum(lengths[number] for number in each) <= 20 for each in sequences)
    # No two sequences could be one: best fit leaves none that is half empty beside another.
    loads = sorted(sum(lengths[number] for number in each) for each in sequences)
    assert len(loads) < 2 or loads[0] + loads[1] > 20


def test_best_fit_decreasing_by_hand() -> None:
    #  6 opens a sequence, 5 another; 4 fits only beside 6 or 5: beside 6, where less is left.
    assert pack([4, 5, 6, 3, 2], 10) == [[2, 0], [1, 3, 4]]


def test_labels_are_shifted_and_stop_at_the_border(tmp_path: Path) -> None:
    samples = write(
        tmp_path / "t",
        [conversation(1, 2, 3, 4, counts="0011"), conversation(5, 6, 7, counts="001")],
        length=6,
    )
    ids, labels, segments = rows(samples)[0]
    assert ids == [1, 2, 3, 5, 6, PADDING]
    assert labels == [IGNORED, 3, 4, IGNORED, 7, IGNORED]
    assert segments == [0, 0, 0, 1, 1, -1]
    assert samples.label_counts(np.array([0])).tolist() == [3]


def test_what_follows_the_last_answer_is_left_out(tmp_path: Path) -> None:
    samples = write(tmp_path / "t", [conversation(1, 2, 3, 4, counts="0100")], length=3)
    assert rows(samples) == [([1, PADDING, PADDING], [2, IGNORED, IGNORED], [0, -1, -1])]
    assert samples.index.num_cut == 0


def test_a_long_conversation_is_cut_and_counted(tmp_path: Path) -> None:
    samples = write(
        tmp_path / "t",
        [conversation(1, 2, 3, 4, 5, counts="01111"), conversation(1, 2, 3, 4, counts="0111")],
        length=3,
    )
    assert [ids for ids, _, _ in rows(samples)] == [[1, 2, 3], [1, 2, 3]]
    assert samples.index.num_cut == 1
    assert samples.index.num_labels == 6


def test_an_answer_beyond_the_sequence_leaves_nothing_to_learn(tmp_path: Path) -> None:
    samples = write(tmp_path / "t", [conversation(1, 2, 3, 4, counts="0001")], length=2)
    assert len(samples) == 0
    assert samples.index.num_without_answer == 1


def test_without_packing_a_conversation_is_a_sequence(tmp_path: Path) -> None:
    conversations = [conversation(1, 2, counts="01"), conversation(3, 4, counts="01")]
    samples = write(tmp_path / "t", conversations, length=4, packing=False)
    assert [ids for ids, _, _ in rows(samples)] == [[1, 9, 9, 9], [3, 9, 9, 9]]
    assert samples.batch(np.arange(2)).segments is None


@given(lengths=st.lists(st.integers(2, 9), min_size=1, max_size=20), packing=st.booleans())
def test_no_position_predicts_a_token_of_another_conversation(
    tmp_path_factory: pytest.TempPathFactory, lengths: list[int], *, packing: bool
) -> None:
    # Token 100 n + t is the t-th of conversation n, so a label identifies its position.
    conversations = [
        Encoded(np.arange(100 * n, 100 * n + length, dtype=np.uint32), np.arange(length) > 0)
        for n, length in enumerate(lengths)
    ]
    folder = tmp_path_factory.mktemp("packed") / "t"
    samples = write(folder, conversations, length=8, packing=packing)
    seen = []
    for ids, labels, segments in rows(samples):
        for token, label, segment in zip(ids, labels, segments, strict=True):
            if segment == -1:
                assert (token, label) == (PADDING, IGNORED)
            else:
                assert label == token + 1
                seen.append(label)
        found = [token // 100 for token, segment in zip(ids, segments, strict=True) if segment >= 0]
        inside = [segment for segment in segments if segment >= 0]
        borders = [i for i in range(1, len(found)) if found[i] != found[i - 1]]
        assert borders == [i for i in range(1, len(inside)) if inside[i] != inside[i - 1]]
    expected = [100 * n + t for n, length in enumerate(lengths) for t in range(1, length)]
    assert sorted(seen) == expected
    assert samples.label_counts(np.arange(len(samples))).sum() == len(expected)


@pytest.mark.parametrize("name", ["tokens.bin", "labels.bin", "layout.npz", "index.json"])
def test_a_missing_or_cut_file_is_named(tmp_path: Path, name: str) -> None:
    write(tmp_path / "t", [conversation(1, 2, 3, counts="011")], length=4)
    path = tmp_path / "t" / name
    path.write_bytes(path.read_bytes()[:-2])
    with pytest.raises(UserError, match=name):
        PackedSequences.open(tmp_path / "t")
    path.unlink()
    with pytest.raises(UserError, match=f"{name}.*run the finetune stage again"):
        PackedSequences.open(tmp_path / "t")
