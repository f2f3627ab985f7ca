"""Layers of images: tar files, each made once from its inputs and kept in the cache."""

import fcntl
import hashlib
import json
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from support.cluster.binaries import CACHE

_BLOCK = 1 << 20


@dataclass(frozen=True)
class Layer:
    """A tar file; not compressed, so its digest is that of its content too.

    Attributes:
        path: where it lies.
        digest: `sha256:...`.
        size: in bytes.
    """

    path: Path
    digest: str
    size: int


def make_layer(folder: Path, target: Path) -> Layer:
    """Pack a folder. The same files give the same layer, whenever they were written."""
    packing = subprocess.Popen(
        ["tar", "--create", "--sort=name", "--mtime=@0", "--numeric-owner", "."],
        cwd=folder,
        stdout=subprocess.PIPE,
    )
    digest = hashlib.sha256()
    with packing, target.open("wb") as output:
        assert packing.stdout is not None
        while block := packing.stdout.read(_BLOCK):
            digest.update(block)
            output.write(block)
    if packing.returncode:
        raise subprocess.CalledProcessError(packing.returncode, "tar")
    return Layer(target, f"sha256:{digest.hexdigest()}", target.stat().st_size)


def cached_layer(name: str, inputs: str, fill: Callable[[Path], None]) -> Layer:
    """A layer from the cache, or made now. Of each name only one is kept.

    Args:
        name: what it is.
        inputs: what it depends on; other inputs are another layer.
        fill: writes the layer's files into an empty folder.
    """
    kept = CACHE / "layers" / name
    kept.mkdir(parents=True, exist_ok=True)
    record = kept / f"{hashlib.sha256(inputs.encode()).hexdigest()[:16]}.json"
    with (kept / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not record.exists():
            for old in kept.iterdir():
                if old.name != "lock":
                    shutil.rmtree(old) if old.is_dir() else old.unlink()
            with tempfile.TemporaryDirectory(dir=kept) as folder:
                root = Path(folder, "root")
                root.mkdir()
                fill(root)
                layer = make_layer(root, record.with_suffix(".tar"))
            record.write_text(json.dumps(asdict(layer), default=str))
        fields = json.loads(record.read_text())
    return Layer(Path(fields["path"]), fields["digest"], fields["size"])


def unpack(layer: Layer, folder: Path) -> None:
    """Write a layer's files into a folder."""
    subprocess.run(
        ["tar", "--extract", "--numeric-owner", "--file", layer.path], cwd=folder, check=True
    )
