"""Finds the input files that a manifest names, on the disk and in object storage."""

import glob
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from llmtrain_api.named_paths import is_folder, named_files
from llmtrain_api.spec.object_storage import is_url
from llmtrain_api.visible import visible_path
from llmtrain_trainer.errors import UserError
from llmtrain_trainer.object_storage.retries import Patience
from llmtrain_trainer.object_storage.stored_files import StoredFile, stored_files
from llmtrain_trainer.stage import StageContext


@dataclass(frozen=True, slots=True)
class InputFile:
    """A file as it was when it was found."""

    path: Path | StoredFile
    size: int
    stamp: str
    """Changes whenever the file is written."""

    @property
    def identity(self) -> str:
        """Its name and state, for fingerprints."""
        return f"{self.path} {self.size} {self.stamp}"

    def require_unchanged(self) -> None:
        """Make sure that it is still what it was, once it has been read.

        Raises:
            UserError: it has been written again, or is gone.
            StoreError: object storage could not be reached.
        """
        if isinstance(self.path, StoredFile):
            self.path.require_unchanged()
            return
        try:
            same = _on_disk(self.path) == self
        except OSError:
            same = False
        if not same:
            raise UserError(
                f"{self.path}: the file has changed while the stage ran; let files lie as they "
                "are, and run the job again",
                reason="InputsChanged",
            )


def input_files(patterns: Sequence[str], field_name: str, context: StageContext) -> list[InputFile]:
    """The files that paths, globs and URLs name, in this order, each once.

    Args:
        patterns: as in the manifest; relative paths start from the inputs folder.
        field_name: the manifest's field with them, for messages.
        context: the stage's.

    Raises:
        UserError: a path names no file.
        StoreError: object storage could not be reached.
    """
    root = Path(context.config.inputs)
    found: dict[str, InputFile] = {}
    for pattern in patterns:
        if is_url(pattern):
            for stored in stored_files(
                pattern, field_name=field_name, patience=Patience(stop=context.stop)
            ):
                found.setdefault(stored.url, InputFile(stored, stored.size, stored.stamp))
        else:
            for path in _find(pattern, root):
                found.setdefault(str(path.resolve()), _on_disk(path))
    return list(found.values())


def _on_disk(path: Path) -> InputFile:
    state = path.stat()
    return InputFile(path, state.st_size, str(state.st_mtime_ns))


def _find(pattern: str, root: Path) -> list[Path]:
    """The files that a path or a glob names; those of a glob are sorted."""
    files = named_files(pattern, root)
    for file in files:
        # A path is written into reports and messages, which are UTF-8.
        if (name := visible_path(file)) != str(file):
            raise UserError(f"{name}: the name of this file is not UTF-8; rename it")
    if files:
        return files
    path = root / pattern
    if is_folder(path):
        raise UserError(f"{path}: this is a folder; name its files, as in {pattern}/*")
    what = "this glob matches no file" if glob.has_magic(pattern) else _absence(path)
    raise UserError(f"{path}: {what}; relative paths start from {root}")


def _absence(path: Path) -> str:
    try:
        path.stat()
    except FileNotFoundError:
        return "no such file"
    except OSError as error:  # a loop of links, a folder that may not be entered
        return f"it cannot be read: {error.strerror}"
    return "this is a pipe, a socket or a device; name a file"
