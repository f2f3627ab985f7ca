"""The models of a job's pipeline: where those lie that the stages before this one left."""

from dataclasses import dataclass
from pathlib import Path

from llmtrain_api.run_config import RunConfig
from llmtrain_api.stages import PipelineModel, Stage
from llmtrain_api.workspace import Workspace
from llmtrain_trainer.errors import UserError
from llmtrain_trainer.models.initial import initial_model


@dataclass(frozen=True)
class StoredModel:
    """One model of the pipeline, in the workspace."""

    name: str
    """`initial`, or as the stage that made it calls it."""
    folder: Path
    """A Hugging Face folder."""
    answers_chat: bool = True
    """Whether it answers messages, given a chat template; otherwise it continues text."""


def base_model(config: RunConfig) -> StoredModel:
    """The model that this stage starts from: the newest one before it.

    Raises:
        UserError: there is none.
    """
    return pipeline_models(config)[-1]


def pipeline_models(config: RunConfig) -> list[StoredModel]:
    """The models that the stages before this one left; the last is what the job is about.

    Raises:
        UserError: there is none, or a stage before this one left none.
    """
    models = config.current_models(before=config.stage)
    if not models:
        makers = " or ".join(stage for stage in Stage if stage.makes_new_model)
        raise UserError(f"there is no model to start from: add {makers}, or set model.initFrom")
    return [StoredModel(each.name, _folder(each, config), each.answers_chat) for each in models]


def _folder(model: PipelineModel, config: RunConfig) -> Path:
    if model.made_by is None:
        return initial_model(config)
    folder = Workspace(Path(config.workspace)).model(model.name)
    if not folder.is_dir():
        raise UserError(
            f"{folder}: there is no {model.name} model; run the {model.made_by} stage first"
        )
    return folder


def model_to_make(config: RunConfig) -> Path:
    """Folder of the model that this stage makes."""
    folder = Workspace(Path(config.workspace)).model_of(config.stage)
    assert folder is not None, f"{config.stage} makes no model"
    return folder
