"""The resource itself: one job from raw text to an evaluated model."""

from collections.abc import Sequence
from typing import Annotated, Literal, Self

from pydantic import ConfigDict, Field, StringConstraints, model_validator

from llmtrain_api import job_rules, tensor_rules
from llmtrain_api.base import MayChange, Record, listed, rule, rules, written
from llmtrain_api.names import JOB_NAME_MAX_LENGTH, JOB_NAME_PATTERN
from llmtrain_api.spec.compute import Compute
from llmtrain_api.spec.environment import Environment, Secrets
from llmtrain_api.spec.kubernetes import (
    Annotations,
    Image,
    Labels,
    Namespace,
    ObjectName,
    PodAnnotations,
    PodLabels,
)
from llmtrain_api.spec.policy import Policy
from llmtrain_api.spec.tracking import Tracking
from llmtrain_api.spec.volumes import Volumes
from llmtrain_api.spec.workspace import Workspace
from llmtrain_api.stages import Sections, Stage

_NEEDING_SECTIONS = tuple(stage for stage in Stage if stage.row.needs)
_MAKING_MODELS = tuple(stage for stage in Stage if stage.makes_new_model)
_NEEDING_MODELS = tuple(stage for stage in Stage if stage.row.needs_model)


def _has_any(names: Sequence[str]) -> str:
    """CEL: whether one of these fields is set."""
    return " || ".join(f"has(self.{name})" for name in names)


def _has_all(names: Sequence[str]) -> str:
    """CEL: whether all of these fields are set."""
    return " && ".join(f"has(self.{name})" for name in names)


_NO_STAGE = f"set at least one of {listed(tuple(Stage), 'or')}"
_NO_MODEL = (
    f"without {listed(_MAKING_MODELS, 'or')}, {listed(_NEEDING_MODELS, 'and')} need model.initFrom"
)


def _needs(stage: Stage) -> str:
    return f"{stage} needs {listed(stage.row.needs, 'and')}"


class JobSpec(Sections):
    """The pipeline from raw text to an evaluated model. A stage runs when its section is set."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            rule(_has_any(tuple(Stage)), _NO_STAGE),
            rule(
                "!has(self.tokenizer) || has(self.tokenizer.pretrained) || has(self.data)",
                "a tokenizer is trained on the job's documents: add data, or set pretrained",
            ),
            *(
                rule(f"!has(self.{stage}) || ({_has_all(stage.row.needs)})", _needs(stage))
                for stage in _NEEDING_SECTIONS
            ),
            rule(
                f"{_has_any(_MAKING_MODELS)} || !({_has_any(_NEEDING_MODELS)})"
                " || (has(self.model) && has(self.model.initFrom))",
                _NO_MODEL,
            ),
            *job_rules.RULES,
            *tensor_rules.RULES,
        )
    )

    image: Annotated[Image | None, MayChange()] = None
    """Container image of all Pods of the job; the operator's default where it is left out."""
    workspace: Annotated[Workspace, MayChange()] = Workspace()
    compute: Annotated[Compute, MayChange()] = Compute()
    environment: Annotated[Environment, MayChange()] = ()
    """Environment variables of the job's processes, with plain values."""
    secrets: Annotated[Secrets, MayChange()] = ()
    """Secrets of the job's namespace that its Pods get, as environment variables or as files. Only
    Secrets with the label `llmtrain.io/for-jobs: "true"` can be used."""
    volumes: Annotated[Volumes, MayChange()] = ()
    """Existing claims with data sets and models, each in a folder of `/mnt/volumes`."""
    service_account_name: Annotated[ObjectName | None, MayChange()] = None
    """Service account of the job's Pods, for the identity that a cloud gives it. The operator's
    settings list those that jobs may use, and say which of them get a token."""
    labels: Annotated[PodLabels, MayChange()] = Field({})
    """Labels of the job's Pods. The operator's settings list the prefixes that jobs may use."""
    annotations: Annotated[PodAnnotations, MayChange()] = Field({})
    """Annotations of the job's Pods. The operator's settings list the prefixes that jobs may
    use."""
    seed: int = Field(1234, ge=0, le=2**31 - 1)
    """Start of every random choice: the same seed on the same topology gives the same model."""
    policy: Annotated[Policy, MayChange()] = Policy()
    tracking: Annotated[Tracking | None, MayChange()] = None

    @model_validator(mode="after")
    def _line_is_whole(self) -> Self:
        stages = self.stages
        if not stages:
            raise ValueError(_NO_STAGE)
        if self.tokenizer and not self.tokenizer.pretrained and not self.data:
            raise ValueError(
                "a tokenizer is trained on the job's documents: add data, or set pretrained"
            )
        for stage in stages:
            if any(getattr(self, name) is None for name in stage.row.needs):
                raise ValueError(_needs(stage))
        starts_from_model = self.model is not None and self.model.init_from is not None
        makes_model = any(stage in stages for stage in _MAKING_MODELS)
        needs_model = any(stage in stages for stage in _NEEDING_MODELS)
        if needs_model and not makes_model and not starts_from_model:
            raise ValueError(_NO_MODEL)
        return self

    @model_validator(mode="after")
    def _sections_fit_together(self) -> Self:
        job_rules.require_context(self)
        job_rules.require_separate_texts(self)
        tensor_rules.require_splittable(self)
        job_rules.require_vocabulary(self.model, self.pretrain, self.tokenizer)
        for stage, training in self.trainings.items():
            job_rules.require_shared_batch(stage, training, self.compute.trainers)
            job_rules.require_gpus_for_fp8(stage, training, self.compute.trainers)
        job_rules.require_cpus(self.compute.trainers)
        job_rules.require_measured(self.evaluate, self.data)
        job_rules.require_mixed(self)
        job_rules.require_one_value(self.environment, self.secrets)
        return self


class Metadata(Record):
    """The part of Kubernetes' metadata that a manifest for a laptop may carry."""

    name: Annotated[
        str,
        StringConstraints(pattern=JOB_NAME_PATTERN, min_length=1, max_length=JOB_NAME_MAX_LENGTH),
        written(
            f"at most {JOB_NAME_MAX_LENGTH} lowercase letters and digits, with hyphens between "
            "them, such as my-job"
        ),
    ]
    namespace: Namespace | None = None
    labels: Labels = Field(default_factory=dict)
    annotations: Annotations = Field(default_factory=dict)


class LLMTrainingJob(Record):
    """A manifest: what a person applies."""

    api_version: Literal["llmtrain.io/v1alpha1"]
    kind: Literal["LLMTrainingJob"]
    metadata: Metadata
    spec: JobSpec
