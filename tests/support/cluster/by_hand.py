"""A test node to work with by hand: `make cluster-up`, `make cluster-down`."""

import shutil
import signal
import subprocess
import sys
from contextlib import suppress

import psutil
from support.cluster.binaries import CACHE, binary
from support.cluster.images import project_images
from support.cluster.node import running_node

_FOLDER = CACHE / "by-hand"
_HOLDER = _FOLDER / "process"
_LOG = _FOLDER / "holder.log"
_KUBECONFIG = _FOLDER / "admin.kubeconfig"
_RUNNING = "running"


def main(command: str) -> None:
    """Carry out `up`, `down`, or the `hold` that `up` starts."""
    {"up": up, "down": down, "hold": hold}[command]()


def up() -> None:
    """Start a node that stays, and say how to use it."""
    if _holder() is None:
        down()
        _FOLDER.mkdir(parents=True)
        with _LOG.open("wb") as log:
            holder = subprocess.Popen(
                [sys.executable, "-m", "support.cluster.by_hand", "hold"],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                start_new_session=True,
            )
        _HOLDER.write_text(f"{holder.pid} {psutil.Process(holder.pid).create_time()}")
        assert holder.stdout is not None
        if holder.stdout.readline().strip() != _RUNNING.encode():
            sys.exit(_LOG.read_text())
    sys.stdout.write(f"export KUBECONFIG={_KUBECONFIG}\nalias kubectl={binary('kubectl')}\n")


def down() -> None:
    """End the node, if there is one, and remove its files."""
    if holder := _holder():
        holder.terminate()
        holder.wait()
    with suppress(FileNotFoundError):
        shutil.rmtree(_FOLDER)


def hold() -> None:
    """Keep a node with the project's images until the signal to end."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    with running_node(_FOLDER) as node:
        for image in project_images(_FOLDER):
            node.load_image(image)
        sys.stdout.write(_RUNNING + "\n")
        sys.stdout.flush()
        signal.pause()


def _holder() -> psutil.Process | None:
    """The process that holds the node, if it lives."""
    try:
        number, created = _HOLDER.read_text().split()
        process = psutil.Process(int(number))
    except (FileNotFoundError, psutil.NoSuchProcess):
        return None
    return process if process.create_time() == float(created) else None


if __name__ == "__main__":
    main(sys.argv[1])
