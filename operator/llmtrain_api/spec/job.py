"""The resource itself: one job from raw text to an evaluated model."""

from typing import Annotated, Literal, Self

from pydantic import ConfigDict, Field, StringConstraints, model_validator

from llmtrain_api.base import Record, Section, rule, rules, written
from llmtrain_api.names import JOB_NAME_MAX_LENGTH, JOB_NAME_PATTERN
from llmtrain_api.spec import fit
from llmtrain_api.spec.compute import Compute
from llmtrain_api.spec.data import Data
from llmtrain_api.spec.evaluate import Evaluate
from llmtrain_api.spec.export import Export
from llmtrain_api.spec.finetune import Finetune
from llmtrain_api.spec.kubernetes import Annotations, Image, Labels
from llmtrain_api.spec.model import Model
from llmtrain_api.spec.policy import Policy
from llmtrain_api.spec.pretrain import Pretrain
from llmtrain_api.spec.tokenizer import Tokenizer
from llmtrain_api.spec.workspace import Workspace
from llmtrain_api.stages import Stage


class JobSpec(Section):
    """The pipeline from raw text to an evaluated model. A stage runs when its section is set."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            rule(
                "has(self.data) || has(self.tokenizer) || has(self.pretrain) || has(self.finetune)"
                " || has(self.evaluate) || has(self.export)",
                "set at least one of data, tokenizer, pretrain, finetune, evaluate or export",
            ),
            rule(
                "!has(self.tokenizer) || has(self.tokenizer.pretrained) || has(self.data)",
                "a tokenizer is trained on the job's documents: add data, or set pretrained",
            ),
            rule(
                "!has(self.pretrain) || (has(self.data) && has(self.tokenizer) && has(self.model))",
                "pretrain needs data, tokenizer and model",
            ),
            rule(
                "has(self.pretrain) || !(has(self.finetune) || has(self.evaluate)"
                " || has(self.export)) || (has(self.model) && has(self.model.initFrom))",
                "without pretrain, finetune, evaluate and export need model.initFrom",
            ),
            *fit.RULES,
        )
    )

    image: Image | None = None
    """Container image of all Pods of the job; the operator's default where it is left out."""
    workspace: Workspace = Workspace()
    compute: Compute = Compute()
    seed: int = Field(1234, ge=0, le=2**31 - 1)
    """Start of every random choice: the same seed on the same topology gives the same model."""
    data: Data | None = None
    tokenizer: Tokenizer | None = None
    model: Model | None = None
    pretrain: Pretrain | None = None
    finetune: Finetune | None = None
    evaluate: Evaluate | None = None
    export: Export | None = None
    policy: Policy = Policy()

    @property
    def stages(self) -> tuple[Stage, ...]:
        """The stages that the job runs, in order."""
        return tuple(stage for stage in Stage if getattr(self, stage.value) is not None)

    @model_validator(mode="after")
    def _line_is_whole(self) -> Self:
        if not self.stages:
            raise ValueError(
                "set at least one of data, tokenizer, pretrain, finetune, evaluate or export"
            )
        if self.tokenizer and not self.tokenizer.pretrained and not self.data:
            raise ValueError(
                "a tokenizer is trained on the job's documents: add data, or set pretrained"
            )
        starts_from_model = self.model is not None and self.model.init_from is not None
        if self.pretrain and not (self.data and self.tokenizer and self.model):
            raise ValueError("pretrain needs data, tokenizer and model")
        needs_model = self.finetune or self.evaluate or self.export
        if not self.pretrain and needs_model and not starts_from_model:
            raise ValueError("without pretrain, finetune, evaluate and export need model.initFrom")
        return self

    @model_validator(mode="after")
    def _sections_fit_together(self) -> Self:
        fit.require_context(self.model, self.pretrain, self.finetune)
        fit.require_vocabulary(self.model, self.pretrain, self.tokenizer)
        for name, stage in (("pretrain", self.pretrain), ("finetune", self.finetune)):
            fit.require_shared_batch(name, stage, self.compute.trainers)
        fit.require_cpus(self.compute.trainers)
        fit.require_measured(self.evaluate, self.data)
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
    namespace: str | None = None
    labels: Labels = Field(default_factory=dict)
    annotations: Annotations = Field(default_factory=dict)


class LLMTrainingJob(Record):
    """A manifest: what a person applies."""

    api_version: Literal["llmtrain.io/v1alpha1"]
    kind: Literal["LLMTrainingJob"]
    metadata: Metadata
    spec: JobSpec
