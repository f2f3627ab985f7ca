"""The driver's connection to the job's Ray, made by the first thing that needs it.

Importing Ray and joining it takes seconds, and the work of a small stage needs neither. On a laptop
Ray itself may still be starting.
"""

import os
import socket
import threading
import time

from llmtrain_trainer.errors import WorkerLostError, in_one_line

_JOINING = threading.Lock()
_LOOK_SECONDS = 0.1
_ANSWER_SECONDS = 5.0


def join_ray() -> None:
    """Connect this process to Ray, unless it is connected already.

    Raises:
        WorkerLostError: Ray answers, but takes nobody in: its start failed.
    """
    import ray

    with _JOINING:
        if ray.is_initialized():
            return
        _await_head(os.environ["RAY_ADDRESS"])
        try:
            ray.init(log_to_driver=True)
        except ConnectionError as error:
            raise WorkerLostError(f"Ray cannot be joined: {in_one_line(error)}") from error


def _await_head(address: str) -> None:
    """Wait until Ray answers; whoever starts Ray and this process ends both if it does not.

    Args:
        address: host and port.
    """
    host, _, port = address.rpartition(":")
    while True:
        try:
            socket.create_connection((host.strip("[]"), int(port)), _ANSWER_SECONDS).close()
        except OSError:
            time.sleep(_LOOK_SECONDS)
        else:
            return
