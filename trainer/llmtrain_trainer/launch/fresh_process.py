"""Makes a rank's process as good as new between two stages."""

import logging
import os
import random
import threading
from pathlib import Path

import numpy as np
import torch

from llmtrain_trainer import host_memory
from llmtrain_trainer.micro_batch.meter import let_go
from llmtrain_trainer.tracking.background import THREAD_PREFIX
from llmtrain_trainer.training.compiling import forget_compiled

_log = logging.getLogger(__name__)


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
        forget_compiled()
        let_go()
        if host_memory.is_known() and not host_memory.restart_peak():
            _log.warning("the peak of memory counts from the first stage on")
        left = [each.name for each in threading.enumerate() if each.name.startswith(THREAD_PREFIX)]
        if left:
            _log.warning("the worker group ends with this stage: %s still runs", ", ".join(left))
        return not left
