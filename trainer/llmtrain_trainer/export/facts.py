"""Gathers the facts of a model card from the workspace."""

from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from llmtrain_api.data_report import DataReport
from llmtrain_api.families.base import Architecture
from llmtrain_api.faults import describe_faults
from llmtrain_api.records import EvaluationReport, StepRecord
from llmtrain_api.run_config import RunConfig
from llmtrain_api.spec.training import Training
from llmtrain_api.stages import Stage
from llmtrain_api.workspace import Workspace
from llmtrain_planner.architecture import count_parameters
from llmtrain_planner.checkpointing import RECOMPUTATION_COST
from llmtrain_planner.stage_plan import count_steps, flops_per_token, stage_utilization
from llmtrain_trainer.errors import UserError
from llmtrain_trainer.models.config import context_limit
from llmtrain_trainer.models.pipeline import StoredModel
from llmtrain_trainer.models.recipe import pretrained_recipe
from llmtrain_trainer.models.stored import stored_config
from llmtrain_trainer.models.tokenizer import load_tokenizer
from llmtrain_trainer.runner import runner_of
from llmtrain_trainer.stage import StageContext
from llmtrain_trainer.training.measurements import this_device


@dataclass(frozen=True)
class Work:
    """An amount of training; None where it cannot be known."""

    steps: int
    tokens: int
    flops: float | None
    """Forward and backward, recomputation not counted."""
    seconds: float | None
    """In optimizer steps."""
    mfu: float | None
    """Share of the devices' peak that becomes useful work."""


@dataclass(frozen=True)
class TrainingFacts:
    """One training stage."""

    stage: Stage
    planned: Work
    done: Work
    validation_loss: float | None
    """Loss of the last validation, in nats per token."""
    source_tokens: tuple[int, ...]
    """Tokens trained on by source of the manifest; empty where the sources have no weights."""


def training_facts(
    config: RunConfig, shape: Architecture | None, num_parameters: int
) -> list[TrainingFacts]:
    """The training stages that have left a record in the workspace.

    Args:
        config: run config of the stage.
        shape: shape of the model; None for a family without a file in `llmtrain_api.families`.
        num_parameters: number of parameters of the model.
    """
    workspace = Workspace(Path(config.workspace))
    found = []
    for stage, training in config.trainings.items():
        if workspace.metrics(stage).is_file():
            own_tokens = runner_of(stage).own_tokens
            tokens = training.total_tokens(
                num_parameters, own_tokens(config) if own_tokens else None
            )
            assert tokens is not None, "the stage has trained on them"
            found.append(_facts(stage, training, tokens, config, shape))
    return found


def _facts(
    stage: Stage,
    section: Training,
    tokens: int,
    config: RunConfig,
    shape: Architecture | None,
) -> TrainingFacts:
    lines = Workspace(Path(config.workspace)).metrics(stage).read_text(encoding="utf-8")
    records = [StepRecord.model_validate_json(line) for line in lines.splitlines()]
    device = this_device(config.workers.cpus)
    peak = device.peak_flops(section.precision) * config.workers.count if device else None
    step_flops = flops_per_token(shape, section) * section.batch_tokens if shape else None

    def work(steps: int, *, seconds: float | None = None, mfu: float | None = None) -> Work:
        """Seconds or utilization: one follows from the other."""
        flops = None if step_flops is None else float(steps * step_flops)
        if flops and peak and mfu:
            seconds = flops / (peak * mfu)
            seconds *= RECOMPUTATION_COST[section.activation_checkpointing]
        elif flops and peak and seconds:
            mfu = flops / seconds / peak
        return Work(steps, steps * section.batch_tokens, flops, seconds, mfu)

    planned_mfu = None
    if device is not None and shape is not None:
        planned_mfu = stage_utilization(section, count_parameters(shape), device).mfu
    validations = [each.validation_loss for each in records if each.validation_loss is not None]
    counts = [each.source_tokens for each in records if each.source_tokens is not None]
    return TrainingFacts(
        stage=stage,
        planned=work(count_steps(tokens, section.batch_tokens), mfu=planned_mfu),
        done=work(
            max((record.step for record in records), default=0),
            seconds=sum(record.seconds or 0.0 for record in records),
        ),
        validation_loss=validations[-1] if validations else None,
        source_tokens=counts[-1] if counts else (),
    )


Report = TypeVar("Report", bound=BaseModel)


@dataclass(frozen=True)
class ModelFacts:
    """The facts of a model card."""

    config: RunConfig
    model_name: str
    """`initial`, `pretrained` or `finetuned`."""
    model_type: str
    """The architecture's name in `transformers`."""
    num_parameters: int
    context_limit: int | None
    """In tokens; None for families without a limit."""
    vocabulary_size: int
    chats: bool
    training: list[TrainingFacts]
    data: DataReport | None
    evaluation: EvaluationReport | None


def gather_facts(context: StageContext, model: StoredModel) -> ModelFacts:
    """Read the results of earlier stages.

    Raises:
        UserError: a report of theirs is missing or damaged.
    """
    config, workspace = context.config, context.workspace
    stored = stored_config(model.folder)
    recipe = pretrained_recipe(model.folder)
    return ModelFacts(
        config=config,
        model_name=model.name,
        model_type=stored.model_type,
        num_parameters=recipe.num_parameters,
        context_limit=context_limit(stored),
        vocabulary_size=stored.vocab_size,
        chats=load_tokenizer(model.folder).chat_template is not None,
        training=training_facts(config, recipe.architecture, recipe.num_parameters),
        data=None if config.data is None else _read(workspace.data_report, DataReport),
        evaluation=None
        if config.evaluate is None
        else _read(workspace.evaluation_report, EvaluationReport),
    )


def _read(path: Path, kind: type[Report]) -> Report:
    try:
        return kind.model_validate_json(path.read_bytes())
    except OSError as error:
        raise UserError(f"{path}: {error.strerror}; run the stages before export first") from error
    except ValidationError as error:
        raise UserError(f"{path}: {'; '.join(describe_faults(error))}") from error
