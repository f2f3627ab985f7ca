"""Makes a rank's process as good as new between two stages."""

import ctypes
import gc
import logging
import os
import random
import sys
import threading
from pathlib import Path

import numpy as np
import torch
from torch._dynamo.utils import counters

from llmtrain_trainer.tracking.background import THREAD_PREFIX

_log = logging.getLogger(__name__)
_RESET_PEAK = "5"
"""Resets the peak of the resident memory: `man 5 proc_pid_clear_refs`."""


class FreshProcess:
    """The state of this process before its first stage, to which it returns after each.

    Modules stay imported, which is what a warm process is for. So the training libraries must be
    imported before: what they set in the environment as they are imported belongs to the state.
    """

    def __init__(self) -> None:
        self._environment = dict(os.environ)
        self._folder = Path.cwd()
        self._umask = os.umask(0o077)
        os.umask(self._umask)
        self._threads = torch.get_num_threads()
        self._dtype = torch.get_default_dtype()
        self._random = torch.random.get_rng_state()

    def restore(self) -> bool:
        """Undo what a stage did to the process.

        Returns:
            Whether that could be done; if not, the process should not be used again.
        """
        for name in set(os.environ) - set(self._environment):
            del os.environ[name]
        os.environ.update(self._environment)
        os.chdir(self._folder)
        os.umask(self._umask)
        torch.set_num_threads(self._threads)
        torch.set_default_dtype(self._dtype)
        torch.random.set_rng_state(self._random)
        random.seed()
        np.random.seed()  # noqa: NPY002 - libraries draw from it
        torch._dynamo.reset()  # noqa: SLF001 - torch has no other name for it
        counters.clear()
        _release_memory()
        left = [each.name for each in threading.enumerate() if each.name.startswith(THREAD_PREFIX)]
        if left:
            _log.warning("the worker group ends with this stage: %s still runs", ", ".join(left))
        return not left


def _release_memory() -> None:
    """Give memory back to the machine, and forget the peaks."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
    if sys.platform != "linux":
        return
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # glibc's own
    if trim is not None:
        trim(0)
    try:
        Path("/proc/self/clear_refs").write_text(_RESET_PEAK)
    except OSError as error:
        _log.warning("the peak of memory counts from the first stage on: %s", error)
