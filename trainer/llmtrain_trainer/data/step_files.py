"""The files that steps read beside the documents, found before the stage works."""

from dataclasses import dataclass
from pathlib import Path
from typing import Self

from llmtrain_api.named_paths import is_file, is_folder
from llmtrain_api.spec.step_sections.classifier import Classifier
from llmtrain_trainer.errors import UserError, neither_folder_nor_hub
from llmtrain_trainer.stage import StageContext

_FAST_TEXT = {".bin", ".ftz"}
_FILES = ["*.safetensors", "*.json", "*.txt", "*.model", "*.spm"]
_NOT_THESE = ["*/*"]


@dataclass(frozen=True)
class StepFiles:
    """A file, or a folder of files, on a disk that all workers see."""

    field: str
    """The manifest's field and what it says, for messages."""
    path: Path
    identity: str
    """Changes when what they hold may have changed."""

    @classmethod
    def at(cls, field: str, path: Path) -> Self:
        """A file, or all files of a folder, in their present state."""
        files = sorted(path.iterdir()) if path.is_dir() else [path]
        states = ((each.name, each.stat()) for each in files if each.is_file())
        identity = " ".join(f"{name} {at.st_size} {at.st_mtime_ns}" for name, at in states)
        return cls(field, path, f"{path} {identity}")


def find_model(name: str, section: Classifier, context: StageContext) -> StepFiles:
    """Find the model of a step.

    Args:
        name: the step's name in the data report.
        section: the step's settings.
        context: the stage's.

    Raises:
        UserError: it is neither a folder nor a file of fastText, nor a model of the hub that can be
            reached.
    """
    field = f"data.steps {name}.model {section.model}"
    path = context.input_path(section.model)
    if path.suffix in _FAST_TEXT and not is_folder(path):
        return find_file(field, section.model, context)
    if is_file(path):
        raise UserError(
            f"{field}: it is a file, and none of fastText by its name (.bin or .ftz); give such a "
            "file, a folder, or a model of the Hugging Face hub",
            reason="InvalidModel",
        )
    return find_folder(field, section.model, context, wanted="a folder or a file of fastText")


def find_folder(
    field: str, name: str, context: StageContext, *, wanted: str = "a folder"
) -> StepFiles:
    """Find the folder of a model.

    Args:
        field: the manifest's field and what it says, for messages.
        name: the folder, or the model's name on the hub.
        context: the stage's.
        wanted: what it may be beside a model of the hub, for messages.

    Raises:
        UserError: it is neither a folder nor a model of the hub that can be reached.
    """
    path = context.input_path(name)
    if is_file(path):
        raise UserError(
            f"{field}: it is a file; give the folder that holds it", reason="InvalidModel"
        )
    if not is_folder(path):
        path = _fetched(field, name, context, wanted)
    return StepFiles.at(field, path)


def find_file(field: str, name: str, context: StageContext) -> StepFiles:
    """Find a file that the manifest names.

    Args:
        field: the manifest's field and what it says, for messages.
        name: the file's path.
        context: the stage's.

    Raises:
        UserError: there is no such file.
    """
    path = context.input_path(name)
    if not is_file(path):
        raise UserError(f"{field}: no such file: {path}")
    return StepFiles.at(field, path)


def _fetched(field: str, name: str, context: StageContext, wanted: str) -> Path:
    """The folder of a model of the hub, in the workspace."""
    from huggingface_hub import snapshot_download

    context.progress.update(activity=f"fetching the model {name}")
    cache = context.workspace.hugging_face_cache
    try:
        return Path(
            snapshot_download(
                name, allow_patterns=_FILES, ignore_patterns=_NOT_THESE, cache_dir=cache
            )
        )
    except (OSError, ValueError) as error:
        message = neither_folder_nor_hub(
            field, error, wanted=f"{wanted} below {context.config.inputs}"
        )
        raise UserError(message, reason="InvalidModel") from error
