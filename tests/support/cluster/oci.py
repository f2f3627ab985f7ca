"""Writes images in the format of the Open Container Initiative, as containerd imports them."""

import hashlib
import io
import json
import tarfile
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from support.cluster.layers import Layer

_PREFIX = "application/vnd.oci.image"


@dataclass(frozen=True)
class Image:
    """An image.

    Attributes:
        names: by which Pods call it.
        layers: from the lowest to the highest.
        settings: settings of its containers: `Env`, `User`, `Entrypoint`.
    """

    names: tuple[str, ...]
    layers: tuple[Layer, ...]
    settings: Mapping[str, Any] = field(default_factory=dict)


def write_archive(image: Image, output: BinaryIO, *, present: Collection[str] = ()) -> None:
    """Write an image as a tar.

    Args:
        image: the image.
        output: where to; it need not be a file.
        present: digests of layers that the reader has already, which are left out.
    """
    rootfs = {"type": "layers", "diff_ids": [layer.digest for layer in image.layers]}
    about = {"architecture": "amd64", "os": "linux"}
    config = _json({**about, "config": image.settings, "rootfs": rootfs})
    manifest = _json(
        {
            "schemaVersion": 2,
            "mediaType": f"{_PREFIX}.manifest.v1+json",
            "config": _descriptor("config.v1+json", _digest(config), len(config)),
            "layers": [
                _descriptor("layer.v1.tar", layer.digest, layer.size) for layer in image.layers
            ],
        }
    )
    described = _descriptor("manifest.v1+json", _digest(manifest), len(manifest))
    named = [
        {**described, "annotations": {"io.containerd.image.name": f"docker.io/library/{name}"}}
        for name in image.names
    ]
    with tarfile.open(fileobj=output, mode="w|", copybufsize=1 << 20) as archive:
        _add(archive, "oci-layout", _json({"imageLayoutVersion": "1.0.0"}))
        for layer in image.layers:
            if layer.digest not in present:
                _add_file(archive, _blob(layer.digest), layer.path)
        for content in (config, manifest):
            _add(archive, _blob(_digest(content)), content)
        _add(archive, "index.json", _json({"schemaVersion": 2, "manifests": named}))


def _descriptor(kind: str, digest: str, size: int) -> dict[str, Any]:
    return {"mediaType": f"{_PREFIX}.{kind}", "digest": digest, "size": size}


def _json(content: Any) -> bytes:
    return json.dumps(content).encode()


def _digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def _blob(digest: str) -> str:
    return f"blobs/{digest.replace(':', '/')}"


def _add(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    entry = tarfile.TarInfo(name)
    entry.size = len(content)
    archive.addfile(entry, io.BytesIO(content))


def _add_file(archive: tarfile.TarFile, name: str, path: Path) -> None:
    entry = tarfile.TarInfo(name)
    entry.size = path.stat().st_size
    with path.open("rb") as content:
        archive.addfile(entry, content)
