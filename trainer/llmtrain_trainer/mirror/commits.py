"""The format of a mirror: commits that name chunks by their digests.

blobs/SHA256                                content of a chunk of a file
commits/checkpoints/STAGE/step-00000100     a checkpoint, with the logs that lead to it
commits/results/STAGE/00000001              the results of a stage
commits/initial/00000001                    the model that was fetched from the hub
WRITER                                      the attempt that may commit

A commit is one object, written after all of its chunks; nothing else makes them part of the
mirror. Its first line is the SHA-256 of the JSON below it. An object is never given another
content, so a kill at any time leaves the commits before it whole.
"""

import hashlib
import logging
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Annotated, Literal

from pydantic import AfterValidator, ValidationError

from llmtrain_api.base import Record
from llmtrain_api.stages import INITIAL, Stage
from llmtrain_trainer.object_storage.store import ObjectStore

_log = logging.getLogger(__name__)

CHUNK_BYTES = 32 << 20
_BLOBS = "blobs"


class Chunk(Record):
    """Size in bytes and SHA-256 of a part of a file; also the name of its blob."""

    size: int
    sha256: str

    @classmethod
    def of(cls, data: bytes) -> "Chunk":
        """The chunk with this content."""
        return cls(size=len(data), sha256=hashlib.sha256(data).hexdigest())

    @property
    def blob(self) -> str:
        """Name of the object with its content."""
        return f"{_BLOBS}/{self.sha256}"


class MirroredFile(Record):
    """SHA-256 of a file, and its chunks in order."""

    sha256: str
    chunks: tuple[Chunk, ...]


def _inside(path: str) -> str:
    pure = PurePosixPath(path)
    if not pure.parts or pure.is_absolute() or ".." in pure.parts or str(pure) != path:
        raise ValueError(f"{path!r} is no path inside a workspace")
    return path


class MirrorCommit(Record):
    """Files of the workspace at one time."""

    version: Literal[1] = 1
    files: dict[Annotated[str, AfterValidator(_inside)], MirroredFile]
    """By their paths relative to the workspace."""

    @property
    def chunks(self) -> set[Chunk]:
        """All chunks."""
        return {chunk for file in self.files.values() for chunk in file.chunks}

    def below(self, path: str) -> dict[str, MirroredFile]:
        """The files at or below a path."""
        return {
            name: file
            for name, file in self.files.items()
            if name == path or name.startswith(f"{path}/")
        }


class CommitLog:
    """The commits of one kind, by a number that grows.

    Args:
        store: the mirror.
        folder: folder of the commits.
        prefix: start of their names, before the number.
    """

    def __init__(self, store: ObjectStore, folder: str, prefix: str = "") -> None:
        self._store, self._folder, self._prefix = store, f"commits/{folder}", prefix

    def numbers(self) -> list[int]:
        """The numbers of all commits, intact or not, newest first."""
        names = self._store.sizes(self._folder)
        digits = (name.removeprefix(self._prefix) for name in names if "/" not in name)
        return sorted((int(each) for each in digits if each.isdecimal()), reverse=True)

    def read(self, number: int) -> MirrorCommit:
        """A commit.

        Raises:
            ValueError: it is torn, missing, or of another version.
        """
        content = self._store.get(self._name(number))
        if content is None:
            raise ValueError("it is missing")
        digest, _, text = content.partition(b"\n")
        if digest.decode(errors="replace") != hashlib.sha256(text).hexdigest():
            raise ValueError("its content is torn: it does not have the SHA-256 in its first line")
        try:
            return MirrorCommit.model_validate_json(text)
        except ValidationError as error:
            raise ValueError(f"it is of another version: {error}") from error

    def intact(self) -> Iterator[tuple[int, MirrorCommit]]:
        """The commits that can be read, newest first; others are passed over with a warning."""
        for number in self.numbers():
            try:
                commit = self.read(number)
            except ValueError as error:
                self.pass_over(number, str(error))
                continue
            yield number, commit

    def pass_over(self, number: int, why: str) -> None:
        """Warn that a commit is not used."""
        name = self._name(number)
        _log.warning("%s/%s is not used: %s; trying the one before", self._store.url, name, why)

    def write(self, number: int, commit: MirrorCommit) -> None:
        """Commit, after the chunks are there."""
        text = commit.model_dump_json().encode()
        digest = hashlib.sha256(text).hexdigest().encode()
        self._store.put(self._name(number), digest + b"\n" + text)

    def delete(self, number: int) -> None:
        """Remove a commit; its chunks are left to `collect_garbage`."""
        self._store.delete(self._name(number))

    def _name(self, number: int) -> str:
        return f"{self._folder}/{self._prefix}{number:08d}"


def checkpoint_log(store: ObjectStore, stage: Stage) -> CommitLog:
    """The checkpoints of a stage, by their steps."""
    return CommitLog(store, f"checkpoints/{stage}", "step-")


def result_log(store: ObjectStore, stage: Stage) -> CommitLog:
    """The results of a stage, counted from 1."""
    return CommitLog(store, f"results/{stage}")


def initial_log(store: ObjectStore) -> CommitLog:
    """The model of `model.initFrom`, as it was fetched from the hub, counted from 1."""
    return CommitLog(store, INITIAL)


def stored_blobs(store: ObjectStore) -> dict[str, int]:
    """Size of each blob by its SHA-256."""
    return store.sizes(_BLOBS)


def collect_garbage(store: ObjectStore) -> None:
    """Delete the blobs that no commit names; none while there is a commit that cannot be read."""
    logs = [make(store, stage) for stage in Stage for make in (checkpoint_log, result_log)]
    logs.append(initial_log(store))
    try:
        commits = [log.read(number) for log in logs for number in log.numbers()]
    except ValueError as error:
        _log.warning("%s: nothing is deleted while a commit cannot be read: %s", store.url, error)
        return
    used = {chunk.sha256 for commit in commits for chunk in commit.chunks}
    for sha256 in stored_blobs(store):
        if sha256 not in used:
            store.delete(f"{_BLOBS}/{sha256}")
