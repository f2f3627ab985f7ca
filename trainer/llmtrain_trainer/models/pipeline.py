"""The models of a job's pipeline: the one that it starts from, and those that stages leave.

The driver fetches a model of the hub into the workspace once. So every machine of the job reads
the same weights, also after somebody has pushed new ones.
"""

import shutil
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from llmtrain_api.run_config import RunConfig
from llmtrain_api.stages import INITIAL, PipelineModel, Stage
from llmtrain_api.workspace import Workspace
from llmtrain_trainer.completion import fingerprint, made_from, mark_complete
from llmtrain_trainer.disk import is_full
from llmtrain_trainer.errors import UserError, neither_folder_nor_hub
from llmtrain_trainer.files import replaced_folder
from llmtrain_trainer.stage import StageContext

_FILES = ["*.safetensors", "*.json", "*.txt", "*.jinja", "*.model"]
_NOT_THESE = ["*/*", "consolidated*"]
"""Other formats, and the same weights once more under the names of their makers' own code."""


def initial_model(config: RunConfig) -> Path:
    """The folder of the initial model, which is not read."""
    assert config.model is not None and config.model.init_from is not None  # noqa: PT018 - one fact
    name = config.model.init_from
    local = Path(config.inputs) / name
    fetched = Workspace(Path(config.workspace)).model(INITIAL)
    return fetched if not local.exists() and made_from(fetched) == fingerprint([name]) else local


def fetch_initial_model(context: StageContext) -> bool:
    """Bring the model into the workspace, where `model.initFrom` names none on this machine.

    Returns:
        Whether it was fetched now.

    Raises:
        UserError: it is neither a folder nor a model of the hub that can be reached.
    """
    config = context.config
    if config.model is None or config.model.init_from is None or initial_model(config).exists():
        return False
    name = config.model.init_from
    context.progress.update(activity=f"fetching the model {name}")
    try:
        with replaced_folder(context.workspace.model(INITIAL)) as folder:
            _fetch(name, folder)
            if not list(folder.glob("*.safetensors")):
                raise UserError(
                    f"model.initFrom {name}: it has no *.safetensors on the hub; pickled weights "
                    "are never loaded, since they can run code. Convert it into a folder with "
                    "`save_pretrained` first"
                )
            mark_complete(folder, fingerprint([name]))
    except (OSError, ValueError) as error:
        if is_full(error):
            raise
        wanted = f"a folder below {config.inputs}"
        message = neither_folder_nor_hub(f"model.initFrom {name}", error, wanted=wanted)
        raise UserError(message) from error
    return True


def _fetch(name: str, folder: Path) -> None:
    """Download from the hub, or else copy from the user's cache."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import LocalEntryNotFoundError

    download = partial(snapshot_download, name, allow_patterns=_FILES, ignore_patterns=_NOT_THESE)
    try:
        download(local_dir=folder)
    except LocalEntryNotFoundError as unreachable:
        try:
            cached = Path(download(local_files_only=True))
        except LocalEntryNotFoundError:
            raise unreachable from None
        for pattern in _FILES:
            for file in cached.glob(pattern):
                shutil.copyfile(file, folder / file.name)
    shutil.rmtree(folder / ".cache", ignore_errors=True)


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
