"""A node leaves the machine as it found it, also when its test is killed."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from support import cgroups
from support.repository import ROOT

pytestmark = [pytest.mark.node, pytest.mark.timeout(600)]

_HOLD_A_NODE = """
import sys
from pathlib import Path
from support.cluster.images import PAUSE
from support.cluster.node import running_node
from support.cluster.pods import make_namespace, pod, start_pod

with running_node(Path(sys.argv[1])) as node:
    make_namespace(node, "left")
    start_pod(node, "left", pod("behind", PAUSE, ["/pause"]))
    print(Path("/proc", str(node.sandbox.process), "ns", "net").readlink(), flush=True)
    sys.stdin.read()
"""
_WRITTEN_BY_OTHERS = ("/etc", "/opt", "/run", "/usr/libexec", "/var/lib", "/var/log")
_SETTINGS = ("kernel", "vm", "net/ipv4", "net/netfilter")
_COUNTER = "ns_last_pid"


@pytest.mark.parametrize("killed", [False, True])
def test_nothing_is_left_of_a_node(tmp_path: Path, *, killed: bool) -> None:
    groups, before = _groups(), _machine()
    with subprocess.Popen(
        [sys.executable, "-c", _HOLD_A_NODE, tmp_path],
        env={**os.environ, "PYTHONPATH": str(ROOT / "tests")},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as holder:
        assert holder.stdout is not None
        network = holder.stdout.readline().decode().strip()
        assert network in _networks()
        assert _groups() > groups
        if killed:
            holder.send_signal(signal.SIGKILL)
    while _groups() > groups:
        pass  # its groups go last, when no process is left in them
    assert network not in _networks()
    assert _machine() == before


def _groups() -> set[Path]:
    """The cgroups of the sandboxes of this machine."""
    return {group for tree in cgroups.hierarchies() for group in tree.own.glob("llmtrain-*")}


def _networks() -> set[str]:
    """The network namespaces that a process is in, or that a mount keeps."""
    return {f"net:[{name.strip()}]" for name in _lines("lsns", "-n", "--type=net", "--output=NS")}


def _machine() -> dict[str, list[str]]:
    """What a node could have changed."""
    return {
        "files": [str(path) for name in _WRITTEN_BY_OTHERS for path in Path(name).glob("*")],
        "mounts": Path("/proc/self/mounts").read_text().splitlines(),
        "links": _lines("ip", "-oneline", "address"),
        "routes": _lines("ip", "route"),
        "packet filter": [line for line in _lines("iptables-save") if not line.startswith("#")],
        "settings": [line for name in _SETTINGS for line in _settings(Path("/proc/sys", name))],
    }


def _settings(folder: Path) -> list[str]:
    """All kernel settings of a folder that can be written."""
    paths = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    settings = [path for path in paths if path.stat().st_mode & 0o200 and path.name != _COUNTER]
    return [f"{path}={_text(path)}" for path in settings]


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except OSError as error:
        return str(error)


def _lines(*command: str) -> list[str]:
    run = subprocess.run(command, check=True, capture_output=True, text=True)
    return run.stdout.splitlines()
