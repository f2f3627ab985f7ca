"""A Pod's preStop hook: `python -m llmtrain_trainer.pre_stop`.

Kubernetes takes the Pod away: for another job, for the node's sake, or because its work is done. A
stage that still runs commits a checkpoint first. Then Ray ends at once, for the shell around it
would not pass SIGTERM on, and the Pod would stay until it is killed.
"""

import os
import signal
import threading
import urllib.error
import urllib.request

from llmtrain_api.names import PROGRESS_PORT
from llmtrain_trainer.progress.server import STOP_PATH

_TIMEOUT_SECONDS = 5.0
_LOOK_SECONDS = 0.5


def main() -> None:
    """Have the driver stop, wait for its end, and end all processes of this Pod."""
    head = os.environ.get("FQ_RAY_IP", "127.0.0.1")  # KubeRay sets it for workers
    try:
        while _ask_to_stop(f"http://{head}:{PROGRESS_PORT}{STOP_PATH}"):
            threading.Event().wait(_LOOK_SECONDS)
    finally:
        os.kill(-1, signal.SIGTERM)


def _ask_to_stop(url: str) -> bool:
    """Tell the driver to stop; False where there is none, or none any more."""
    headers = {"Authorization": f"Bearer {os.environ.get('RAY_AUTH_TOKEN', '')}"}
    request = urllib.request.Request(url, data=b"", headers=headers)  # noqa: S310 - our own driver's
    try:
        with urllib.request.urlopen(request, timeout=_TIMEOUT_SECONDS):  # noqa: S310
            return True
    except (urllib.error.URLError, OSError):
        return False


if __name__ == "__main__":
    main()
