"""The model that a line starts from, `model.initFrom`: a folder, or a name on the hub.

The driver fetches a model of the hub into the workspace once. So every machine of the job reads
the same weights, also after somebody has pushed new ones.
"""

import shutil
from functools import partial
from pathlib import Path

from llmtrain_api.run_config import RunConfig
from llmtrain_api.stages import INITIAL
from llmtrain_api.workspace import Workspace
from llmtrain_trainer.completion import fingerprint, made_from, mark_complete
from llmtrain_trainer.disk import is_full
from llmtrain_trainer.durable import replaced_folder
from llmtrain_trainer.errors import UserError, in_one_line
from llmtrain_trainer.stage import StageContext

_FILES = ["*.safetensors", "*.json", "*.txt", "*.jinja", "*.model"]
_NOT_THESE = ["*/*", "consolidated*"]
"""Other formats, and the same weights once more under the names of their makers' own code."""


def initial_model(config: RunConfig) -> Path:
    """Where the model lies; nothing is looked at."""
    assert config.model is not None and config.model.init_from is not None  # noqa: PT018 - one fact
    name = config.model.init_from
    local = Path(config.inputs) / name
    fetched = Workspace(Path(config.workspace)).model(INITIAL)
    return fetched if not local.exists() and made_from(fetched) == fingerprint([name]) else local


def fetch_initial_model(context: StageContext) -> None:
    """Bring the model into the workspace, where `model.initFrom` names none on this machine.

    Raises:
        UserError: it is neither a folder nor a model of the hub that can be reached.
    """
    config = context.config
    if config.model is None or config.model.init_from is None or initial_model(config).exists():
        return
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
        raise UserError(
            f"model.initFrom {name}: {in_one_line(error)}; it must be a folder below "
            f"{config.inputs} or a model of the Hugging Face hub that this machine can reach"
        ) from error


def _fetch(name: str, folder: Path) -> None:
    """From the hub; without it, from the cache of whoever runs this."""
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
