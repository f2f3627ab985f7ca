"""Model states against figure 1 of the ZeRO paper (Rajbhandari et al. 2020)."""

import pytest

from llmtrain_api.spec.training import Offload, Precision, ZeroStage
from llmtrain_planner.model_states import ModelStates, model_states

PARAMETERS, WORKERS, LARGEST = 7_500_000_000, 64, 131_072_000


def states(
    stage: int,
    *,
    offload: Offload = Offload.NONE,
    precision: Precision = Precision.BF16,
    trainable: int = PARAMETERS,
) -> ModelStates:
    return model_states(
        parameters=PARAMETERS,
        trainable=trainable,
        largest=LARGEST,
        shards=WORKERS,
        precision=precision,
        stage=ZeroStage(stage),
        offload=offload,
    )


@pytest.mark.parametrize(
    ("stage", "gigabytes"),
    [(0, 120.0), (1, 31.4), (2, 16.6), (3, 1.9)],
)
def test_the_zero_papers_figure(stage: int, gigabytes: float) -> None:
    found = states(stage)
    total = found.weights + found.gradients + found.optimizer
    assert total / 1e9 == pytest.approx(gigabytes, abs=0.05)


def test_without_zero_fp32_has_no_copy_of_the_weights() -> None:
    found = states(0, precision=Precision.FP32)
    assert (found.weights, found.gradients, found.optimizer, found.step) == (
        4 * PARAMETERS,
        4 * PARAMETERS,
        8 * PARAMETERS,
        0,
    )


def test_zero_copies_the_weights_in_fp32_too() -> None:
    alone, under_zero = (states(stage, precision=Precision.FP32) for stage in (0, 1))
    assert (alone.weights, alone.gradients) == (under_zero.weights, under_zero.gradients)
    # 8 bytes a parameter on every worker, and 12 shared out over them.
    assert under_zero.optimizer * WORKERS == pytest.approx(alone.optimizer * 12 / 8, rel=1e-6)


def test_offloading_moves_the_optimizer_and_then_the_weights_to_the_host() -> None:
    kept = states(3)
    optimizer_away = states(3, offload=Offload.OPTIMIZER)
    all_away = states(3, offload=Offload.PARAMETERS)
    assert (optimizer_away.weights, optimizer_away.optimizer) == (kept.weights, 0)
    assert optimizer_away.host > kept.optimizer
    assert all_away.weights == 0
    assert all_away.host == optimizer_away.host + kept.weights


def test_rank_0_copies_the_unsharded_states_for_a_checkpoint() -> None:
    found = {stage: states(stage) for stage in range(4)}
    assert (found[0].copy, found[0].first_copy) == (0, 12 * PARAMETERS)
    assert (found[1].copy, found[1].first_copy) == (found[1].optimizer, 2 * PARAMETERS)
    assert (found[3].copy, found[3].first_copy) == (found[3].optimizer, 0)
    assert states(1, offload=Offload.OPTIMIZER).copy == 0


def test_frozen_weights_have_neither_gradients_nor_optimizer_states() -> None:
    found = states(0, trainable=1000)
    assert (found.weights, found.gradients, found.optimizer) == (4 * PARAMETERS, 4000, 8000)
    found = states(1, trainable=1000)
    assert (found.weights, found.gradients) == (2 * PARAMETERS, 2000)
