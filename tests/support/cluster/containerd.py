"""containerd of a sandbox: runs the containers of its node, and keeps images for the next one."""

import fcntl
import json
import shutil
import subprocess
from contextlib import ExitStack
from pathlib import Path

from support.cluster.binaries import CACHE
from support.cluster.images import PAUSE
from support.cluster.oci import Image, write_archive
from support.cluster.processes import Process, Processes
from support.cluster.sandbox import Sandbox, SandboxError

POD_ADDRESSES = "10.244.0.0/16"
SOCKET = "/run/containerd/containerd.sock"
_CLIENT = ("ctr", "--address", SOCKET, "--namespace", "k8s.io")
_CONFIGURATION = """
version = 2
root = "{root}"
state = "/run/containerd"
disabled_plugins = {disabled}
[grpc]
  address = "{socket}"
[plugins."io.containerd.internal.v1.opt"]
  path = "{folder}/opt"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "docker.io/library/{pause}"
  # Root without CAP_SYS_RESOURCE may not lower a score, and runc would fail.
  restrict_oom_score_adj = true
  tolerate_missing_hugetlb_controller = true
[plugins."io.containerd.grpc.v1.cri".cni]
  bin_dir = "/usr/lib/cni"
  conf_dir = "{folder}/cni"
"""
_KUBERNETES_PLUGIN = "io.containerd.grpc.v1.cri"
_NETWORK = {
    "cniVersion": "0.4.0",
    "name": "pods",
    "plugins": [
        {
            "type": "bridge",
            "bridge": "pods",
            "isGateway": True,
            "ipMasq": True,
            "hairpinMode": True,
            "ipam": {
                "type": "host-local",
                "ranges": [[{"subnet": POD_ADDRESSES}]],
                "routes": [{"dst": "0.0.0.0/0"}],
            },
        },
        {"type": "portmap", "capabilities": {"portMappings": True}},
    ],
}


class Containerd:
    """A running containerd.

    Args:
        folder: an empty one, for its settings and log.
        sandbox: where it runs.
    """

    def __init__(self, folder: Path, sandbox: Sandbox) -> None:
        self._folder = folder
        self._sandbox = sandbox

    def start(self, stack: ExitStack) -> None:
        """Start it, and wait until it serves; it ends with a context."""
        self._write_network()
        root = self._root(stack)
        # The root knows containers of the node before, which nobody will ask for again.
        for leftover in ("io.containerd.grpc.v1.cri", "io.containerd.runtime.v2.task"):
            shutil.rmtree(root / leftover, ignore_errors=True)
        with ExitStack() as first_life:
            self._start(root, first_life, disabled=[_KUBERNETES_PLUGIN])
            if old := self._client("containers", "list", "--quiet").split():
                self._client("containers", "delete", *old)
        self._start(root, stack, disabled=[])

    def load(self, image: Image) -> None:
        """Import an image; of its layers only those that are missing are read."""
        present = self._client("content", "list", "--quiet").split()
        command = self._sandbox.command(*_CLIENT, "images", "import", "-")
        importing = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        with importing:
            assert importing.stdin is not None
            write_archive(image, importing.stdin, present=present)
            importing.communicate()
        if importing.returncode:
            raise SandboxError(f"{image.names} could not be imported")

    def _start(self, root: Path, stack: ExitStack, *, disabled: list[str]) -> Process:
        path = self._folder / "containerd.toml"
        values = {"root": root, "disabled": json.dumps(disabled), "socket": SOCKET, "pause": PAUSE}
        path.write_text(_CONFIGURATION.format(folder=self._folder, **values))
        process = Processes(self._folder, stack, self._sandbox).start(
            "containerd", "--config", str(path)
        )
        process.wait_until(self._serves)
        return process

    def _serves(self) -> bool:
        try:
            self._client("version")
        except SandboxError:
            return False
        return True

    def _root(self, stack: ExitStack) -> Path:
        """The folder in the cache, or a new one while another node uses that."""
        kept = CACHE / "containerd"
        kept.mkdir(parents=True, exist_ok=True)
        lock = stack.enter_context((kept / "lock").open("w"))
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return self._folder / "containerd"
        return kept / "root"

    def _write_network(self) -> None:
        path = self._folder / "cni" / "pods.conflist"
        path.parent.mkdir()
        path.write_text(json.dumps(_NETWORK))

    def _client(self, *arguments: str) -> str:
        return self._sandbox.run(*_CLIENT, *arguments)
