"""The table of stages: all that the rest of llmtrain knows about a stage by its name.

A new stage is a member of `Stage` with its row, and a field of `Sections`; its section lies in
`spec`, its work in the trainer's package of the same name. Order, progress, bill, report and run
config follow from the table.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Self

from llmtrain_api.base import Section
from llmtrain_api.spec.data import Data
from llmtrain_api.spec.evaluate import Evaluate
from llmtrain_api.spec.export import Export
from llmtrain_api.spec.finetune import Finetune
from llmtrain_api.spec.model import Model
from llmtrain_api.spec.pretrain import Pretrain
from llmtrain_api.spec.tokenizer import Tokenizer
from llmtrain_api.spec.training import Training

INITIAL = "initial"
"""Name of the model that `model.initFrom` brings into the pipeline."""


class StageGroup(StrEnum):
    """Stages that share a Ray cluster, because they need the same compute."""

    CPUS = "cpus"
    """Holds no GPU."""
    TRAINERS = "trainers"
    """One rank runs on each of its GPUs."""
    ALL = "all"
    """A laptop, which is all the compute there is."""


@dataclass(frozen=True, kw_only=True)
class ModelRow:
    """The model that a stage makes, from the newest one before it."""

    name: str
    """Folder in the workspace's `models`, and name in the evaluation."""
    replaces_parent: bool = False
    """Whether the model takes the place of the one that it was made from, which is then neither
    evaluated nor exported."""
    answers_chat: bool = True
    """Whether the model answers messages, given a chat template; otherwise it continues text."""


@dataclass(frozen=True, kw_only=True)
class StageRow:
    """Everything about a stage that others need to know."""

    weight: float
    """Share of a typical run's time; only the ratios of the weights matter. Stages that optimize
    share theirs anew once their FLOPs are known."""
    uses_gpus: bool = False
    """Whether the stage runs on the trainers' machines; otherwise on the CPU machines."""
    optimizes: bool = False
    """Whether ranks train in optimizer steps and commit checkpoints, from which the stage goes on;
    its section is a `Training`. All other stages begin anew."""
    needs: tuple[str, ...] = ()
    """Sections of the manifest without which the stage cannot run."""
    needs_model: bool = False
    """Whether the stage starts from a model: of an earlier stage, or of `model.initFrom`."""
    uses: tuple[str, ...] = ()
    """Fields of the spec that the stage learns from or measures, beside its own section: once it
    has begun, neither they nor the files that they name may change."""
    makes: ModelRow | None = None
    """The model that the stage adds to the pipeline."""
    exports_to: str | None = None
    """Folder in the workspace in which the stage hands over the newest model."""
    results: tuple[str, ...] = ()
    """Files and folders in the workspace that hold results of this stage alone, beside its
    model."""


class Stage(StrEnum):
    """A step of the pipeline, which runs when its section is in the spec; in order."""

    row: StageRow

    def __new__(cls, value: str, row: StageRow) -> Self:
        """Make a member, which is the stage's name and carries its row."""
        member = str.__new__(cls, value)
        member._value_ = value
        member.row = row
        return member

    DATA = "data", StageRow(weight=5, results=("data/documents", "data/report.json"))
    TOKENIZER = "tokenizer", StageRow(weight=5, results=("tokenizer", "tokens"))
    PRETRAIN = (
        "pretrain",
        StageRow(
            weight=60,
            uses_gpus=True,
            optimizes=True,
            needs=("data", "tokenizer", "model"),
            uses=("seed", "model"),
            makes=ModelRow(name="pretrained", replaces_parent=True, answers_chat=False),
        ),
    )
    FINETUNE = (
        "finetune",
        StageRow(
            weight=20,
            uses_gpus=True,
            optimizes=True,
            needs_model=True,
            uses=("seed", "model"),
            makes=ModelRow(name="finetuned"),
            results=("data/conversations",),
        ),
    )
    EVALUATE = (
        "evaluate",
        StageRow(
            weight=8,
            uses_gpus=True,
            needs_model=True,
            uses=("seed", "model"),
            results=("evaluation",),
        ),
    )
    EXPORT = (
        "export",
        StageRow(
            weight=2,
            uses_gpus=True,
            needs_model=True,
            exports_to="export",
            results=("export",),
        ),
    )

    @property
    def group(self) -> StageGroup:
        """The compute that the stage needs."""
        return StageGroup.TRAINERS if self.row.uses_gpus else StageGroup.CPUS

    @property
    def optimizes(self) -> bool:
        """Whether ranks train in optimizer steps and commit checkpoints."""
        return self.row.optimizes

    @property
    def makes_new_model(self) -> bool:
        """Whether the stage can make a model from nothing but data."""
        return self.row.makes is not None and not self.row.needs_model


@dataclass(frozen=True)
class PipelineModel:
    """A model of a job, with its ancestry."""

    name: str
    """`initial`, or as the stage that made it calls it."""
    made_by: Stage | None
    """The stage that makes it; None for the model of `model.initFrom`."""
    parent: str | None
    """Name of the model that it is made from; None where it is made anew, or was given."""
    answers_chat: bool
    """Whether it answers messages, given a chat template."""


class Sections(Section):
    """The sections of a manifest that say what its stages do."""

    data: Data | None = None
    tokenizer: Tokenizer | None = None
    model: Model | None = None
    pretrain: Pretrain | None = None
    finetune: Finetune | None = None
    evaluate: Evaluate | None = None
    export: Export | None = None

    def section(self, stage: Stage) -> Section | None:
        """The section of a stage; None where the stage does not run."""
        section: Section | None = getattr(self, stage.value)
        return section

    @property
    def stages(self) -> tuple[Stage, ...]:
        """The stages that the job runs, in order."""
        return tuple(stage for stage in Stage if self.section(stage) is not None)

    @property
    def trainings(self) -> dict[Stage, Training]:
        """The sections of the job's stages that optimize, in order."""
        sections = {stage: self.section(stage) for stage in self.stages}
        return {
            stage: section for stage, section in sections.items() if isinstance(section, Training)
        }

    @property
    def new_model_training(self) -> Training | None:
        """The section of the stage that can make a new model; None where the job has none."""
        makers = (section for stage, section in self.trainings.items() if stage.makes_new_model)
        return next(makers, None)

    def all_sections(self) -> dict[str, Any]:
        """Each section by its field's name, for a model with the same fields."""
        return {name: getattr(self, name) for name in Sections.model_fields}

    def models(self, before: Stage | None = None) -> tuple[PipelineModel, ...]:
        """The models of the job, the oldest first, those that were replaced included.

        Args:
            before: leaves out what this stage and later ones make.
        """
        return tuple(self._models(before))

    def current_models(self, before: Stage | None = None) -> tuple[PipelineModel, ...]:
        """The models of the job without those that were replaced; the last is the newest.

        Args:
            before: leaves out what this stage and later ones make.
        """
        models = self.models(before)
        replaced = {
            model.parent
            for model in models
            if model.made_by and model.made_by.row.makes and model.made_by.row.makes.replaces_parent
        }
        return tuple(model for model in models if model.name not in replaced)

    def _models(self, before: Stage | None) -> Iterator[PipelineModel]:
        newest = None
        if self.model is not None and self.model.init_from is not None:
            newest = INITIAL
            yield PipelineModel(INITIAL, made_by=None, parent=None, answers_chat=True)
        for stage in Stage:
            if stage is before:
                return
            made = stage.row.makes
            if made is not None and self.section(stage) is not None:
                yield PipelineModel(made.name, stage, newest, made.answers_chat)
                newest = made.name
