"""Model FLOPs utilization to expect of a stage: measured where it was, assumed elsewhere.

The figures are of our own runs on one H200 in November 2026; `docs/performance.md` has their table.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import log

from llmtrain_planner.hardware import Device

_MEASURED_ON = "h200"
_ANOTHER_GPU = 0.9
"""A GPU that was not measured: a tenth below the one that was, for our kernels are tuned there."""
ASSUMED_MFU = 0.40
"""On CPUs, and of models of unknown shape: between the 21 % of GPT-3 and the 46 % of PaLM
(Chowdhery et al. 2022, table 3)."""


@dataclass(frozen=True)
class _Measurement:
    parameters: int
    mfu: float
    """bf16, the largest micro batch that was measured, no activation checkpointing."""


_MEASURED: Mapping[bool, tuple[_Measurement, ...]] = {
    True: (
        _Measurement(124_439_808, 0.275),  # 1024 tokens, ZeRO 1, 16 sequences
        _Measurement(1_364_297_728, 0.444),  # 2048 tokens, ZeRO 1, 4 sequences
    ),
    False: (_Measurement(124_439_808, 0.189), _Measurement(1_364_297_728, 0.374)),
}
"""With and without torch.compile, the smallest model first."""


@dataclass(frozen=True)
class Utilization:
    """Share of a device's peak that becomes useful work."""

    mfu: float
    source: str
    """Where the figure comes from, for people."""


def expected_utilization(device: Device, parameters: int, *, compiled: bool) -> Utilization:
    """The utilization to expect without activation checkpointing.

    Between two models that were measured it grows with the logarithm of their size; a smaller or
    larger one has that of the nearest.

    Args:
        device: what the stage trains on.
        parameters: number of the model's parameters.
        compiled: whether its blocks are compiled with torch.compile.
    """
    if device.is_cpu:
        return Utilization(ASSUMED_MFU, "assumed")
    mfu = _interpolated(_MEASURED[compiled], parameters)
    how = "compiled" if compiled else "not compiled"
    if device.name == _MEASURED_ON:
        return Utilization(mfu, f"measured on an H200, {how}: docs/performance.md")
    return Utilization(
        _ANOTHER_GPU * mfu, f"assumed: {_ANOTHER_GPU:.0%} of that measured on an H200, {how}"
    )


def _interpolated(measured: tuple[_Measurement, ...], parameters: int) -> float:
    small, large = measured[0], measured[-1]
    place = log(parameters / small.parameters) / log(large.parameters / small.parameters)
    share = min(max(place, 0.0), 1.0)
    return small.mfu + share * (large.mfu - small.mfu)
