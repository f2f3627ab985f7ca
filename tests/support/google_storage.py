"""An emulator of Google Cloud Storage in a process of its own, spoken to over HTTP."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http.client import HTTPConnection
from pathlib import Path

from support.cluster.processes import LOOPBACK, Processes, answers_ok, free_port
from support.s3_server import stores_environment

BUCKET = "models"
_HEALTH = "/"


@contextmanager
def google_storage(folder: Path) -> Iterator[str]:
    """Start one with an empty bucket; gives what `STORAGE_EMULATOR_HOST` has to name.

    Args:
        folder: for its log.
    """
    port = free_port()
    program = stores_environment() / "bin" / "gcp-storage-emulator"
    options = [f"--host={LOOPBACK}", f"--port={port}", "--in-memory", f"--default-bucket={BUCKET}"]
    with ExitStack() as stack:
        process = Processes(folder, stack).start(program, "start", *options)
        process.wait_until(lambda: answers_ok(HTTPConnection(LOOPBACK, port), _HEALTH))
        yield f"http://{LOOPBACK}:{port}"
