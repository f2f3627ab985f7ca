"""What a model card says about a model, gathered from the workspace."""

from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from llmtrain_api.data_report import DataReport
from llmtrain_api.faults import describe_faults
from llmtrain_api.results import EvaluationReport
from llmtrain_api.run_config import RunConfig
from llmtrain_trainer.errors import UserError
from llmtrain_trainer.export.training_facts import TrainingFacts, training_facts
from llmtrain_trainer.models.config import context_limit
from llmtrain_trainer.models.pipeline import StoredModel
from llmtrain_trainer.models.recipe import pretrained_recipe
from llmtrain_trainer.models.stored import stored_config
from llmtrain_trainer.models.tokenizer import load_tokenizer
from llmtrain_trainer.stage import StageContext

Report = TypeVar("Report", bound=BaseModel)


@dataclass(frozen=True)
class ModelFacts:
    """All that a model card is written from."""

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
    """Read what the stages before this one left.

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
