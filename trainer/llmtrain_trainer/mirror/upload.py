"""Copies checkpoints and results of a workspace to a mirror, and keeps there what is to be kept."""

import hashlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from llmtrain_api.stages import INITIAL, Stage
from llmtrain_api.workspace import Workspace
from llmtrain_trainer.checkpoint.manifest import (
    PINNED,
    file_names,
    read_manifest,
    step_folder,
)
from llmtrain_trainer.completion import MARKER
from llmtrain_trainer.errors import Interrupted
from llmtrain_trainer.files import replace_file, sha256
from llmtrain_trainer.mirror.commits import (
    CHUNK_BYTES,
    Chunk,
    CommitLog,
    MirrorCommit,
    MirroredFile,
    checkpoint_log,
    collect_garbage,
    initial_log,
    result_log,
    stored_blobs,
)
from llmtrain_trainer.mirror.writer import Writer
from llmtrain_trainer.object_storage.store import ObjectStore

_PARALLEL_PUTS = 4
Overdue = Callable[[], bool]


def _never() -> bool:
    return False


class ChangedError(Exception):
    """A file was removed, or is not as it was committed: what it belongs to cannot be copied."""


class Uploader:
    """Copies to a mirror.

    Args:
        store: the mirror.
        writer: the right to commit there.
        workspace: the workspace.
    """

    def __init__(self, store: ObjectStore, writer: Writer, workspace: Workspace) -> None:
        self._store, self._writer, self._workspace = store, writer, workspace

    def checkpoint(self, stage: Stage, step: int, *, keep: int, overdue: Overdue = _never) -> None:
        """Copy a committed checkpoint, unless it is there; then drop older ones.

        Args:
            stage: a stage that optimizes.
            step: its optimizer step.
            keep: number of checkpoints to keep in the mirror.
            overdue: asked before each chunk; copying ends once it is true.

        Raises:
            ChangedError: it is damaged, or was deleted.
            UserError: the mirror cannot be used.
            StoreError: the mirror could not be reached.
            StageError: another attempt has taken over.
            Interrupted: it is overdue.
        """
        root = self._workspace.checkpoints(stage)
        folder, log = step_folder(root, step), checkpoint_log(self._store, stage)
        with _pinned(root, step):
            digests = _digests(folder)
            if self._holds(log, step, digests):
                return
            files = [folder / name for name in file_names(folder)]
            records = [path for path in self._workspace.training_records(stage) if path.is_file()]
            commit = self._send([*files, *records], digests, overdue)
        self._publish(log, step, commit)
        numbers = log.numbers()
        kept = [number for number in numbers if number <= step][:keep]  # newer ones are damaged
        self._clear(log, set(numbers) - set(kept))

    def results(self, stage: Stage, *, overdue: Overdue = _never) -> None:
        """Copy what a stage has left, unless it is there as it is.

        Args:
            stage: the stage.
            overdue: asked before each chunk; copying ends once it is true.

        Raises:
            ChangedError: a file was removed meanwhile.
            UserError: the mirror cannot be used.
            StoreError: the mirror could not be reached.
            StageError: another attempt has taken over.
            Interrupted: it is overdue.
        """
        log = result_log(self._store, stage)
        files = [file for path in self._workspace.results_of(stage) for file in _files(path)]
        commit = self._send(files, {}, overdue)
        newest = next(log.intact(), None)
        if newest is None or newest[1] != commit:
            self._replace(log, commit)

    def initial_model(self, *, overdue: Overdue = _never) -> bool:
        """Copy the model that was fetched from the hub, unless it is there; the hub may change it.

        Args:
            overdue: asked before each chunk; copying ends once it is true.

        Returns:
            Whether there is such a model, and the mirror holds it.

        Raises:
            ChangedError, UserError, StoreError, StageError, Interrupted: as for `results`.
        """
        log, folder = initial_log(self._store), self._workspace.model(INITIAL)
        marker = folder / MARKER
        if not marker.exists():
            return False
        newest = next(log.intact(), None)
        mirrored = newest and newest[1].files.get(self._name(marker))
        if not mirrored or mirrored.sha256 != sha256(marker):
            self._replace(log, self._send(_files(folder), {}, overdue))
        return True

    def _replace(self, log: CommitLog, commit: MirrorCommit) -> None:
        """Commit what was sent, in the place of all commits before."""
        older = log.numbers()
        self._publish(log, max(older, default=0) + 1, commit)
        self._clear(log, older)

    def _holds(self, log: CommitLog, step: int, digests: dict[Path, str]) -> bool:
        """Whether the mirror has this checkpoint already, with all of its chunks."""
        if step not in log.numbers():
            return False
        try:
            commit = log.read(step)
        except ValueError:
            return False
        mirrored = {name: file.sha256 for name, file in commit.files.items()}
        same = all(mirrored.get(self._name(path)) == sha256 for path, sha256 in digests.items())
        return same and self._is_complete(commit)

    def _publish(self, log: CommitLog, number: int, commit: MirrorCommit) -> None:
        """Commit what was sent."""
        self._writer.require()
        log.write(number, commit)
        if not self._is_complete(commit):  # the attempt before was still clearing up
            log.delete(number)
            raise ChangedError(f"chunks were deleted from {self._store.url} meanwhile")

    def _is_complete(self, commit: MirrorCommit) -> bool:
        """Whether the mirror has all chunks of a commit, by their sizes."""
        blobs = stored_blobs(self._store)
        return all(blobs.get(chunk.sha256) == chunk.size for chunk in commit.chunks)

    def _clear(self, log: CommitLog, numbers: Iterable[int]) -> None:
        """Delete commits, and all chunks that are in no commit any more."""
        self._writer.require()
        for number in numbers:
            log.delete(number)
        collect_garbage(self._store)

    def _name(self, path: Path) -> str:
        return path.relative_to(self._workspace.root).as_posix()

    def _send(
        self, paths: Iterable[Path], digests: dict[Path, str], overdue: Overdue
    ) -> MirrorCommit:
        """Write the chunks of files that are not in the mirror yet.

        Args:
            paths: the files.
            digests: SHA-256 that some of them must have.
            overdue: ends copying.
        """
        known = stored_blobs(self._store)
        files: dict[str, MirroredFile] = {}
        with ThreadPoolExecutor(_PARALLEL_PUTS, thread_name_prefix="mirror-put") as pool:
            puts: deque[Future[None]] = deque()
            for path in paths:
                whole, chunks = hashlib.sha256(), []
                for data in _chunks_of(path):
                    if overdue():
                        raise Interrupted(f"stopped while copying to {self._store.url}")
                    chunk = Chunk.of(data)
                    chunks.append(chunk)
                    whole.update(data)
                    if known.get(chunk.sha256) == chunk.size:
                        continue
                    known[chunk.sha256] = chunk.size
                    if len(puts) == _PARALLEL_PUTS:  # bounds the chunks in memory
                        puts.popleft().result()
                    puts.append(pool.submit(self._store.put, chunk.blob, data))
                file = MirroredFile(sha256=whole.hexdigest(), chunks=tuple(chunks))
                if digests.get(path, file.sha256) != file.sha256:
                    raise ChangedError(f"{path} was changed after the commit")
                files[self._name(path)] = file
            for put in puts:
                put.result()
        return MirrorCommit(files=files)


@contextmanager
def _pinned(root: Path, step: int) -> Iterator[None]:
    """Keep a checkpoint from being deleted while it is copied."""
    replace_file(root / PINNED, str(step))
    try:
        yield
    finally:
        (root / PINNED).unlink()


def _digests(folder: Path) -> dict[Path, str]:
    """SHA-256 of each file of a checkpoint, by its manifest."""
    try:
        manifest = read_manifest(folder)
    except (ValueError, FileNotFoundError) as error:
        raise ChangedError(f"{folder}: {error}") from error
    return {folder / name: digest.sha256 for name, digest in manifest.files.items()}


def _files(path: Path) -> list[Path]:
    """All files at or below a path; none where there is nothing."""
    if path.is_dir():
        return [path / name for name in file_names(path)]
    return [path] if path.is_file() else []


def _chunks_of(path: Path) -> Iterator[bytes]:
    try:
        with path.open("rb") as file:
            while data := file.read(CHUNK_BYTES):
                yield data
    except FileNotFoundError as error:
        raise ChangedError(f"{path} was removed") from error
