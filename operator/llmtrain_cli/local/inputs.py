"""Detects input files that have changed since a stage read them.

A stage that has succeeded does not run again. If its input files have changed since, its results no
longer belong to them, and the run must not continue.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from pydantic import TypeAdapter

from llmtrain_api.base import Record, Section
from llmtrain_api.job import JobSpec
from llmtrain_api.named_paths import is_folder, named_files, named_paths, with_home
from llmtrain_api.spec.object_storage import is_url
from llmtrain_api.stages import Stage
from llmtrain_api.visible import visible_path
from llmtrain_api.workspace import Workspace

_LISTED = 5


class InputFile(Record):
    """An input file at the start of a stage."""

    path: str
    size: int
    modified_ns: int


_FILES: TypeAdapter[list[InputFile]] = TypeAdapter(list[InputFile])


class InputsChangedError(Exception):
    """Input files have changed since a stage read them; the message names them."""


@dataclass(frozen=True)
class Inputs:
    """The input files that a job's sections name on this machine.

    Args:
        spec: the job's spec.
        workspace: the run's workspace; its files are not inputs.
        folder: folder of relative paths.
        home: folder that `~` stands for.
    """

    spec: JobSpec
    workspace: Workspace
    folder: Path
    home: Path

    def record(self, stage: Stage) -> None:
        """Record the input files of a stage that is about to start."""
        path = self._record(stage)
        path.parent.mkdir(exist_ok=True)
        temporary = path.with_suffix(".tmp")
        temporary.write_bytes(_FILES.dump_json(self._files(stage)))
        temporary.replace(path)

    def require_unchanged(self, stages: Iterable[Stage]) -> None:
        """Check that the input files of some stages have not changed since they started.

        A stage passes if all its files are gone: somebody has made room, and its results exist.

        Raises:
            InputsChangedError: some files have changed.
        """
        for stage in stages:
            if changes := self._changes(stage):
                more = f" and {len(changes) - _LISTED} more" if len(changes) > _LISTED else ""
                raise InputsChangedError(
                    f"files that the stage {stage} has read are not what they were: "
                    f"{', '.join(changes[:_LISTED])}{more}. Start over with --fresh, choose "
                    "another --workspace, or put them back as they were"
                )

    def _changes(self, stage: Stage) -> list[str]:
        try:
            recorded = _FILES.validate_json(self._record(stage).read_bytes())
        except FileNotFoundError:
            return []  # the manifest has no section of the stage, or the stage reads no files
        before = {file.path: file for file in recorded}
        now = {file.path: file for file in self._files(stage)}
        if not now:
            return []
        return [
            f"{path} ({_difference(before.get(path), now.get(path))})"
            for path in sorted(before.keys() | now.keys())
            if before.get(path) != now.get(path)
        ]

    def _record(self, stage: Stage) -> Path:
        return self.workspace.private / "inputs" / f"{stage}.json"

    def _files(self, stage: Stage) -> list[InputFile]:
        fields = (getattr(self.spec, name) for name in (*stage.row.uses, stage.value))
        paths = (
            path
            for section in fields
            if isinstance(section, Section)
            for pattern in named_paths(with_home(section, str(self.home)))
            for path in self._found(pattern)
        )
        return [_state(path) for path in dict.fromkeys(paths)]

    def _found(self, pattern: str) -> Iterator[Path]:
        """The files that match a pattern or are in a folder.

        A name on the hub has none here, nor has a URL.
        """
        if is_url(pattern):
            return
        folder = self.folder / pattern
        inside = (path for path in sorted(folder.rglob("*")) if path.is_file())
        for path in inside if is_folder(folder) else named_files(pattern, self.folder):
            if not path.is_relative_to(self.workspace.root):
                yield path


def _state(path: Path) -> InputFile:
    state = path.stat()
    return InputFile(path=visible_path(path), size=state.st_size, modified_ns=state.st_mtime_ns)


def _difference(before: InputFile | None, now: InputFile | None) -> str:
    if before is None:
        return "new"
    return "gone" if now is None else "changed"
