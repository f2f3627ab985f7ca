"""How a batch is shared out, and what is said where it cannot be."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmtrain_api.parallel import ParallelDims
from llmtrain_api.spec.pretrain import Pretrain
from llmtrain_planner.batch import batch_layout
from llmtrain_planner.tokens import count_steps


@given(
    sequence_length=st.integers(1, 4096),
    workers=st.integers(1, 512),
    share=st.integers(1, 300),
)
def test_shares_add_up_to_the_batch(sequence_length: int, workers: int, share: int) -> None:
    layout = batch_layout(
        batch_tokens=sequence_length * workers * share,
        sequence_length=sequence_length,
        parallel=ParallelDims.over(workers),
        micro_batch_size=None,
    )
    assert layout.sequences == workers * layout.micro_batch_size * layout.accumulation_steps
    assert layout.micro_batch_size == max(n for n in range(1, 9) if share % n == 0)


def test_an_explicit_micro_batch_is_taken() -> None:
    layout = batch_layout(
        batch_tokens=3200, sequence_length=10, parallel=ParallelDims.over(4), micro_batch_size=16
    )
    assert (layout.micro_batch_size, layout.accumulation_steps) == (16, 5)


def test_an_uneven_batch_names_values_that_work() -> None:
    with pytest.raises(
        ValueError, match=r"^batchTokens: .*compute\.trainers.*73728 or 98304.* 2 or 5 workers"
    ):
        batch_layout(
            batch_tokens=81920,
            sequence_length=8192,
            parallel=ParallelDims.over(3),
            micro_batch_size=None,
        )


def test_an_uneven_micro_batch_names_values_that_work() -> None:
    with pytest.raises(ValueError, match=r"^microBatchSize: 5 .* 12 sequences; set 4 or 6"):
        batch_layout(
            batch_tokens=1200,
            sequence_length=100,
            parallel=ParallelDims.over(1),
            micro_batch_size=5,
        )


def test_a_batch_of_less_than_a_sequence_per_worker_says_so() -> None:
    with pytest.raises(ValueError, match=r"set batchTokens to 8192,"):
        batch_layout(
            batch_tokens=1024,
            sequence_length=1024,
            parallel=ParallelDims.over(8),
            micro_batch_size=None,
        )


@pytest.mark.parametrize(
    ("tokens", "parameters", "expected"),
    [(123, 10**9, 123), ("20x", 124_439_808, 2_488_796_160), ("0.1x", 10, 1), ("1.15x", 100, 115)],
)
def test_tokens(tokens: int | str, parameters: int, expected: int) -> None:
    assert Pretrain.model_construct(tokens=tokens).total_tokens(parameters) == expected


@pytest.mark.parametrize(("tokens", "steps"), [(1, 1), (64, 1), (65, 2), (128, 2)])
def test_the_last_step_is_whole(tokens: int, steps: int) -> None:
    assert count_steps(tokens, 64) == steps
