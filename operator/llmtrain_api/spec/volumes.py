"""The volumes section: claims with data sets and models beside the workspace."""

from typing import Annotated

from pydantic import Field, StringConstraints

from llmtrain_api.base import keyed_by, without_twins, written
from llmtrain_api.names import VOLUMES_PATH
from llmtrain_api.spec.workspace import PersistentVolumeClaim


class Volume(PersistentVolumeClaim):
    """An existing claim, mounted in all Pods of the job."""

    name: Annotated[
        str,
        StringConstraints(min_length=1, max_length=48, pattern=r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"),
        written(
            "at most 48 lower case letters, digits and hyphens, with a letter or digit at both "
            "ends, such as corpus"
        ),
    ]
    """Name of the volume's folder: the path of `corpus` is `/mnt/volumes/corpus`."""
    read_only: bool = True
    """Whether the Pods can only read it."""

    @property
    def folder(self) -> str:
        """Folder of the volume in all Pods."""
        return f"{VOLUMES_PATH}/{self.name}"


Volumes = Annotated[
    tuple[Volume, ...],
    Field(max_length=16, json_schema_extra=keyed_by("name")),
    without_twins("name"),
]
