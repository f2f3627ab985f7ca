"""The models of a job's line: which there are, and where they lie."""

from dataclasses import dataclass
from pathlib import Path

from llmtrain_api.run_config import RunConfig
from llmtrain_api.workspace import Workspace
from llmtrain_trainer.errors import UserError
from llmtrain_trainer.models.initial import INITIAL, initial_model

PRETRAINED, FINETUNED = "pretrained", "finetuned"


@dataclass(frozen=True)
class LineModel:
    """One model of the line."""

    name: str
    """`initial`, `pretrained` or `finetuned`."""
    folder: Path
    """A Hugging Face folder."""


def base_model(config: RunConfig) -> LineModel:
    """What fine-tuning starts from: the pretrained model, or the one of `model.initFrom`.

    Raises:
        UserError: there is none.
    """
    if config.pretrain is not None:
        return _stored(PRETRAINED, config)
    if config.model is None or config.model.init_from is None:
        raise UserError("there is no model to start from: add pretrain, or set model.initFrom")
    return LineModel(INITIAL, initial_model(config))


def line_models(config: RunConfig) -> list[LineModel]:
    """The models that the stages before this one left; the last is what the job is about.

    Raises:
        UserError: a stage before this one left none.
    """
    models = [base_model(config)]
    if config.finetune is not None:
        models.append(_stored(FINETUNED, config))
    return models


def _stored(name: str, config: RunConfig) -> LineModel:
    folder = Workspace(Path(config.workspace)).model(name)
    if not folder.is_dir():
        stage = "pretrain" if name == PRETRAINED else "finetune"
        raise UserError(f"{folder}: there is no {name} model; run the {stage} stage first")
    return LineModel(name, folder)
