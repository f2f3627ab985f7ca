"""Where a job keeps what it makes, in a cluster."""

from typing import Annotated, Self

from pydantic import ConfigDict, StringConstraints, model_validator

from llmtrain_api.base import Section, rule, rules
from llmtrain_api.spec.compute import Memory
from llmtrain_api.spec.kubernetes import ObjectName

_SUB_PATH = r"^[A-Za-z0-9_][-A-Za-z0-9_.]*(/[A-Za-z0-9_][-A-Za-z0-9_.]*)*$"


class PersistentVolumeClaim(Section):
    """A claim that exists, and that all Pods of the job can mount."""

    claim_name: ObjectName
    """Of the claim, in the job's namespace."""
    sub_path: (
        Annotated[str, StringConstraints(min_length=1, max_length=1024, pattern=_SUB_PATH)] | None
    ) = None
    """Folder within the volume; its root by default."""


class Workspace(Section):
    """Where a job keeps what it makes: a claim that exists, or one that the operator makes.

    A claim that the operator makes outlives the job, for the model lies in it. On a laptop this
    section has no effect.
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
    """A claim that exists; by default the operator makes one named JOB-workspace."""
    size: Memory = "20Gi"
    """Of the claim that the operator makes."""
    storage_class_name: ObjectName | None = None
    """Of the claim that the operator makes; the cluster's default class where it is left out."""
    shared: bool = True
    """Whether the claim that the operator makes can be mounted on several nodes (ReadWriteMany);
    false suffices where all Pods run on one."""

    @model_validator(mode="after")
    def _class_is_for_a_new_claim(self) -> Self:
        if self.persistent_volume_claim and self.storage_class_name:
            raise ValueError("storageClassName is for a claim that the operator makes")
        return self
