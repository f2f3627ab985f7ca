"""The images of the test node, made on this machine; there is no registry."""

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

TRAINER = "llmtrain-trainer:e2e"
OPERATOR = "llmtrain-operator:e2e"
PAUSE = "llmtrain-pause:e2e"


def project_image(folder: Path) -> Image:
    """One image for trainer and operator, with the code as it is now.

    Args:
        folder: where the layer of our own code goes; the others are kept in the cache.
    """
    path = f"{ENVIRONMENT}/bin:/usr/local/bin:/usr/bin:/bin"
    return Image(
        (TRAINER, OPERATOR),
        (system_layer(), libraries_layer(), project_layer(folder)),
        {
            "Env": [f"PATH={path}", f"HOME={HOME}", "LANG=C.UTF-8"],
            "User": f"{USER}:{USER}",
            "WorkingDir": HOME,
        },
    )


def pause_image() -> Image:
    """What holds the network of a Pod."""
    program = binary("pause")

    def fill(root: Path) -> None:
        shutil.copy(program, root / "pause")

    layer = cached_layer("pause", str(program), fill)
    return Image((PAUSE,), (layer,), {"Entrypoint": ["/pause"], "User": "65535:65535"})
