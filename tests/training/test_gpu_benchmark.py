"""The GPU benchmark runs where there is no GPU too, so that it is right when there is one."""

import re
import subprocess
import sys
from pathlib import Path

from support.local_run import small_spec, write_manifest

_ROOT = Path(__file__).parents[2]


def test_gpu_benchmark_measures_both_loops(tmp_path: Path) -> None:
    manifest = write_manifest(tmp_path, small_spec())
    command = [sys.executable, str(_ROOT / "benchmarks" / "gpu_train.py"), str(manifest)]
    command += ["--steps", "3", "--warmup", "1", "--workers", "2", "--set", "batchTokens=2048"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    for loop in ("ours", "bare"):
        assert re.search(rf"^{loop}: [\d,]+ tokens/s, \S+ TFLOP/s$", done.stdout, re.MULTILINE)
    assert re.search(r"^ours / bare: \d+\.\d+$", done.stdout, re.MULTILINE)
