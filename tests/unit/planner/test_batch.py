"""How a batch is shared out, and what is said where it cannot be."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmtrain_api.batch import BatchLayout, batch_layout
from llmtrain_api.parallel import ParallelDims
from llmtrain_api.spec.pretrain import Pretrain
from llmtrain_planner.stage_plan import count_steps


def _layout(
    batch_tokens: int, sequence_length: int, workers: int, micro_batch_size: int | None = None
) -> BatchLayout:
    training = Pretrain.model_construct(
        batch_tokens=batch_tokens,
        sequence_length=sequence_length,
        micro_batch_size=micro_batch_size,
    )
    return batch_layout(training, ParallelDims.over(workers))


@given(
    sequence_length=st.integers(1, 4096),
    workers=st.integers(1, 512),
    share=st.integers(1, 300),
)
def test_shares_add_up_to_the_batch(sequence_length: int, workers: int, share: int) -> None:
    layout = _layout(sequence_length * workers * share, sequence_length, workers)
    assert layout.sequences == workers * layout.micro_batch_size * layout.accumulation_steps
    assert layout.micro_batch_size == max(n for n in range(1, 9) if share % n == 0)


def test_an_explicit_micro_batch_is_taken() -> None:
    layout = _layout(3200, 10, workers=4, micro_batch_size=16)
    assert (layout.micro_batch_size, layout.accumulation_steps) == (16, 5)


def test_an_uneven_batch_names_values_that_work() -> None:
    with pytest.raises(
        ValueError, match=r"^batchTokens .*compute\.trainers.*73728 or 98304.* 2 or 5 workers"
    ):
        _layout(81920, 8192, workers=3)


def test_an_uneven_micro_batch_names_values_that_work() -> None:
    with pytest.raises(ValueError, match=r" 100 x 5 x 1 = 500; 1200 .*; .* microBatchSize 4 or 6$"):
        _layout(1200, 100, workers=1, micro_batch_size=5)


def test_a_batch_of_less_than_a_sequence_per_worker_says_so() -> None:
    with pytest.raises(ValueError, match=r"1024 is not, 8192 would be; so would 1 workers"):
        _layout(1024, 1024, workers=8)


@given(
    batch_tokens=st.integers(8, 400),
    sequence_length=st.integers(1, 20),
    workers=st.integers(1, 12),
    micro_batch_size=st.integers(1, 6),
)
def test_every_value_that_is_named_works(
    batch_tokens: int, sequence_length: int, workers: int, micro_batch_size: int
) -> None:
    try:
        _layout(batch_tokens, sequence_length, workers, micro_batch_size)
    except ValueError as error:
        _, right, *others = str(error).split("; ")
    else:
        return
    for named in re.findall(r"\d+", right.partition("is not,")[2]):
        assert _layout(int(named), sequence_length, workers, micro_batch_size)
    for other in others:
        for named in map(int, re.findall(r"\d+", other)):
            if "microBatchSize" in other:
                assert _layout(batch_tokens, sequence_length, workers, named)
            else:
                assert _layout(batch_tokens, sequence_length, named, micro_batch_size)


@pytest.mark.parametrize(
    ("tokens", "parameters", "expected"),
    [(123, 10**9, 123), ("20x", 124_439_808, 2_488_796_160), ("0.1x", 10, 1), ("1.15x", 100, 115)],
)
def test_tokens(tokens: int | str, parameters: int, expected: int) -> None:
    assert Pretrain.model_construct(tokens=tokens).total_tokens(parameters) == expected


@pytest.mark.parametrize(("tokens", "steps"), [(1, 1), (64, 1), (65, 2), (128, 2)])
def test_the_last_step_is_whole(tokens: int, steps: int) -> None:
    assert count_steps(tokens, 64) == steps
