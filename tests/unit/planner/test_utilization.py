"""The utilization that the planner expects: measured, scaled, or what the user says."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmtrain_api.spec.pretrain import Pretrain
from llmtrain_planner.hardware import GPUS, Device, cpu_device
from llmtrain_planner.stage_plan import stage_utilization
from llmtrain_planner.utilization import expected_utilization

GPT2, LLAMA = 124_439_808, 1_364_297_728


@pytest.mark.parametrize(
    ("parameters", "compiled", "mfu"),
    [
        (GPT2, True, 0.275),
        (GPT2, False, 0.189),
        (LLAMA, True, 0.444),
        (LLAMA, False, 0.374),
        (GPT2 // 10, True, 0.275),
        (70 * LLAMA, True, 0.444),
    ],
)
def test_what_was_measured_is_expected(*, parameters: int, compiled: bool, mfu: float) -> None:
    expected = expected_utilization(GPUS["h200"], parameters, compiled=compiled)
    assert expected.mfu == pytest.approx(mfu)
    assert expected.source.startswith("measured on an H200")
    assert "docs/performance.md" in expected.source


@given(parameters=st.integers(GPT2, LLAMA), compiled=st.booleans())
def test_between_two_models_it_grows_with_the_size(*, parameters: int, compiled: bool) -> None:
    small, here, large = (
        expected_utilization(GPUS["h200"], each, compiled=compiled).mfu
        for each in (GPT2, parameters, LLAMA)
    )
    assert small <= here <= large


def test_another_gpu_is_assumed_to_be_a_tenth_lower() -> None:
    measured, assumed = (
        expected_utilization(GPUS[name], LLAMA, compiled=True) for name in ("h200", "a100-80gb")
    )
    assert assumed.mfu == pytest.approx(0.9 * measured.mfu)
    assert assumed.source.startswith("assumed: 90% of that measured on an H200")


@pytest.mark.parametrize(
    ("compile_", "device", "named", "mfu", "source"),
    [
        (None, GPUS["h200"], None, 0.444, "measured on an H200, compiled: docs/performance.md"),
        (
            False,
            GPUS["h200"],
            None,
            0.374,
            "measured on an H200, not compiled: docs/performance.md",
        ),
        (None, GPUS["h200"], 0.5, 0.5, "given"),
        (None, cpu_device(2, 2**30), None, 0.4, "assumed"),
    ],
)
def test_the_stage_says_what_is_on(
    compile_: object, device: Device, named: float | None, mfu: float, source: str
) -> None:
    training = Pretrain.model_validate({"compile": compile_})
    found = stage_utilization(training, LLAMA, device, named=named)
    assert (found.mfu, found.source) == (pytest.approx(mfu), source)
