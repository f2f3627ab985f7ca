"""The images of the test node, made on this machine; there is no registry."""

import re
import shutil
from pathlib import Path

from support.cluster.binaries import binary
from support.cluster.layers import cached_layer
from support.cluster.oci import Image
from support.cluster.rootfs import (
    ENVIRONMENT,
    HOME,
    USER,
    libraries_layer,
    project_layer,
    system_layer,
)
from support.repository import ROOT

TRAINER = "llmtrain-trainer:e2e"
OPERATOR = "llmtrain-operator:e2e"
PAUSE = "llmtrain-pause:e2e"
_OPERATOR_DOCKERFILE = ROOT / "images" / "operator.Dockerfile"


def project_images(folder: Path) -> tuple[Image, Image]:
    """The images of trainer and operator, of the same layers, with the code as it is now.

    Args:
        folder: where the layer of our own code goes; the others are kept in the cache.
    """
    path = f"{ENVIRONMENT}/bin:/usr/local/bin:/usr/bin:/bin"
    environment = (f"PATH={path}", f"HOME={HOME}", "LANG=C.UTF-8")
    layers = (system_layer(), libraries_layer(), project_layer(folder))

    def image(name: str, *variables: str) -> Image:
        settings = {"User": f"{USER}:{USER}", "WorkingDir": HOME}
        return Image((name,), layers, settings | {"Env": [*environment, *variables]})

    return image(TRAINER), image(OPERATOR, *_memory_settings())


def _memory_settings() -> list[str]:
    """How the operator's own image allocates memory."""
    line = re.search(r"^ENV (LD_PRELOAD=.*)$", _OPERATOR_DOCKERFILE.read_text(), re.MULTILINE)
    assert line is not None, "the Dockerfile says it"
    return line[1].split()


def pause_image() -> Image:
    """What holds the network of a Pod."""
    program = binary("pause")

    def fill(root: Path) -> None:
        shutil.copy(program, root / "pause")

    layer = cached_layer("pause", str(program), fill)
    return Image((PAUSE,), (layer,), {"Entrypoint": ["/pause"], "User": "65535:65535"})
