"""The GPU benchmark runs where there is no GPU too, so that it is right when there is one."""

import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from gpu_plans import Row
from gpu_profile import class_of, summarize
from gpu_schedule import run_rows
from torch.autograd import DeviceType

_ROOT = Path(__file__).parents[2]
_OURS, _BARE = "ours as the manifest has it", "bare PyTorch compiled 16"


def _benchmark(*arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, str(_ROOT / "benchmarks" / "gpu.py"), "--plan", "gpt2", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=400)


def test_rows_are_measured_and_profiled() -> None:
    done = _benchmark("--small", "--rows", f"ceilings,{_OURS},{_BARE}")
    assert done.returncode == 0, done.stderr
    assert "left out" not in done.stdout, done.stdout
    assert re.search(rf"^{_OURS} +[\d,]+ .* 1\.000$", done.stdout, re.MULTILINE)
    assert re.search(rf"^{_BARE} +[\d,]+ .* \d+\.\d+$", done.stdout, re.MULTILINE)
    assert re.search(r"^matrix product in bf16, TFLOP/s: [\d.]+$", done.stdout, re.MULTILINE)
    assert re.search(r"^  matrix products +[\d.]+ ms +[\d.]+%$", done.stdout, re.MULTILINE)


def test_an_unknown_row_is_refused_with_those_there_are() -> None:
    done = _benchmark("--small", "--rows", "theirs")
    assert done.returncode == 2
    assert "no row is called theirs; there are ceilings, ours" in done.stderr


def test_a_row_that_fails_or_lacks_a_package_leaves_the_others(tmp_path: Path) -> None:
    fails, lacks = Row("fails", "ours"), Row("lacks", "ours", needs=("no_such_package",))
    outcomes = run_rows({fails: tmp_path, lacks: tmp_path}, seconds=60, two_fit=False)
    assert outcomes[fails].result is None
    assert "row.json" in outcomes[fails].fault  # the last lines of its log
    assert outcomes[lacks].fault == "It needs the package no_such_package."


def test_a_row_over_its_limit_is_ended(tmp_path: Path) -> None:
    slow = Row("slow", "ours", limit_seconds=0.1)
    outcomes = run_rows({slow: tmp_path}, seconds=60, two_fit=False)
    assert outcomes[slow].fault == "It took more than 0 s."


@pytest.mark.parametrize(
    ("kernel", "expected"),
    [
        ("nvjet_tst_192x192_64x4_2x1_v_bz_coopB_NNT", "matrix products"),
        ("cutlass_75_tensorop_bf16_s1688gemm_bf16_128x128_nn_align1", "matrix products"),
        ("cudnn_generated_fort_native_sdpa_sm90_flash_bprop_wgmma_f16", "attention"),
        ("void cunn_SoftMaxForward<4, float, float>", "cross entropy"),
        ("triton_poi_fused_mul_silu_0", "norms and element-wise"),
        ("void at::native::(anonymous namespace)::multi_tensor_apply_kernel", "optimizer"),
        ("Memcpy DtoD (Device -> Device)", "copies"),
        ("ncclDevKernel_AllReduce_Sum_f32_RING_LL", "collectives"),
    ],
)
def test_kernels_are_told_apart_by_their_names(kernel: str, expected: str) -> None:
    assert class_of(kernel) == expected


@dataclass
class _Span:
    start: float
    end: float


@dataclass
class _Kernel:
    name: str
    time_range: _Span
    device_type: DeviceType = DeviceType.CUDA
    self_cpu_time_total: float = 0.0


def test_idle_time_is_what_no_kernel_covers() -> None:
    spans = [_Span(0, 4_000), _Span(2_000, 5_000), _Span(9_000, 10_000)]
    profile = summarize([_Kernel("gemm", span) for span in spans], steps=2)
    assert profile.milliseconds == {"matrix products": 4.0, "idle": 2.0}
    assert profile.kernels == 1
