"""A rank's process between two stages."""

import os
import random
import threading
from pathlib import Path

import numpy as np
import pytest
import torch
from torch._dynamo.utils import counters

from llmtrain_trainer.launch.fresh_process import FreshProcess
from llmtrain_trainer.tracking.background import THREAD_PREFIX
from llmtrain_trainer.training.measurements import peak_memory_bytes


def test_what_a_stage_leaves_behind_is_undone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("KEPT", "before")
    threads, umask = torch.get_num_threads(), os.umask(0o022)
    os.umask(umask)
    fresh = FreshProcess()
    drawn = torch.rand(3)
    fresh.restore()
    try:
        os.environ["KEPT"], os.environ["ADDED"] = "after", "by a stage"
        os.chdir("/")
        os.umask(0o007)
        torch.manual_seed(5)
        torch.set_num_threads(threads + 1)
        torch.set_default_dtype(torch.bfloat16)
        counters["stats"]["unique_graphs"] = 7
    finally:
        assert fresh.restore()
    assert os.environ["KEPT"] == "before"
    assert "ADDED" not in os.environ
    assert Path.cwd() == tmp_path
    now = os.umask(umask)
    assert now == umask
    assert torch.get_num_threads() == threads
    assert torch.get_default_dtype() == torch.float32
    assert counters["stats"]["unique_graphs"] == 0
    assert torch.equal(torch.rand(3), drawn)


def test_seeds_of_a_stage_decide_nothing_after_it() -> None:
    fresh, states = FreshProcess(), []
    for _ in range(2):
        random.seed(1)
        np.random.seed(1)  # noqa: NPY002 - what libraries use
        fresh.restore()
        states.append((random.getstate(), tuple(np.random.get_state()[1])))  # noqa: NPY002 - what libraries use
    assert states[0][0] != states[1][0]
    assert states[0][1] != states[1][1]


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="only Linux resets it")
def test_the_peak_of_memory_counts_from_the_stage_on() -> None:
    fresh = FreshProcess()
    torch.ones(2**26)  # 256 MiB, gone at once
    high = peak_memory_bytes()
    fresh.restore()
    assert peak_memory_bytes() < high - 2**27


def test_a_process_with_a_tracker_that_hangs_is_not_used_again() -> None:
    fresh, end = FreshProcess(), threading.Event()
    tracker = threading.Thread(target=end.wait, name=f"{THREAD_PREFIX}wandb")
    tracker.start()
    assert not fresh.restore()
    end.set()
    tracker.join()
    assert fresh.restore()
