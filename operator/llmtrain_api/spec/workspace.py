"""The workspace section: the volume of a job in a cluster."""

from typing import Annotated, Self

from pydantic import ConfigDict, StringConstraints, model_validator

from llmtrain_api.base import Section, rule, rules
from llmtrain_api.names import workspace_claim_name
from llmtrain_api.spec.compute import Memory
from llmtrain_api.spec.kubernetes import ObjectName
from llmtrain_api.spec.object_storage import MirrorUrl

_SUB_PATH = r"^[A-Za-z0-9_][-A-Za-z0-9_.]*(/[A-Za-z0-9_][-A-Za-z0-9_.]*)*$"


class PersistentVolumeClaim(Section):
    """An existing claim that all Pods of the job can mount."""

    claim_name: ObjectName
    """Name of the claim, in the job's namespace."""
    sub_path: (
        Annotated[str, StringConstraints(min_length=1, max_length=1024, pattern=_SUB_PATH)] | None
    ) = None
    """Folder within the volume; the volume's root by default."""


class Workspace(Section):
    """The durable folder of the job: an existing claim, or one that the operator creates.

    A claim that the operator creates outlives the job, since the model is stored in it. On a laptop
    only `mirror` has an effect.
    """

    model_config = ConfigDict(
        json_schema_extra=rules(
            rule(
                "!(has(self.persistentVolumeClaim) && has(self.storageClassName))",
                "storageClassName is for a claim that the operator makes",
            )
        )
    )

    persistent_volume_claim: PersistentVolumeClaim | None = None
    """An existing claim to use; by default the operator creates one named JOB-workspace."""
    size: Memory = "20Gi"
    """Size of the claim that the operator creates."""
    storage_class_name: ObjectName | None = None
    """Storage class of the claim that the operator creates; the cluster's default class where it is
    left out."""
    shared: bool = True
    """Whether the claim that the operator creates can be mounted on several nodes (ReadWriteMany).
    false suffices where all Pods run on one node."""

    mirror: MirrorUrl | None = None
    """Object storage that holds a copy of committed checkpoints and of each stage's results, for
    this job alone: `s3://BUCKET/PREFIX`, `gs://BUCKET/PREFIX`, or a folder that exists,
    `file:///FOLDER`. A job of the same name whose workspace is empty goes on from there.
    Credentials and endpoint come from the environment."""

    def claim_of(self, job_name: str) -> PersistentVolumeClaim:
        """The claim of a job: the one that it names, or the one that the operator creates."""
        own = PersistentVolumeClaim(claim_name=workspace_claim_name(job_name))
        return self.persistent_volume_claim or own

    @model_validator(mode="after")
    def _class_is_for_a_new_claim(self) -> Self:
        if self.persistent_volume_claim and self.storage_class_name:
            raise ValueError("storageClassName is for a claim that the operator makes")
        return self
