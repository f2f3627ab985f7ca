"""Writes checkpoints atomically: a checkpoint is committed as a whole or not at all."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Protocol, TypeVar

from pydantic import TypeAdapter

from llmtrain_trainer.checkpoint.manifest import (
    ATTEMPT,
    COMMITTED,
    MANIFEST,
    CheckpointState,
    FileDigest,
    Manifest,
    checkpoint_steps,
    digest_files,
    file_names,
    leftover_folders,
    newest_committed,
    pinned_step,
    step_folder,
    temporary_folder,
    trash_folder,
)
from llmtrain_trainer.disk import disk_full, is_full
from llmtrain_trainer.errors import StageError
from llmtrain_trainer.files import replace_file, sha256, sync

T = TypeVar("T")


class Group(Protocol):
    """The ranks of a stage. Every call is collective: all ranks make it, in the same order."""

    @property
    def rank(self) -> int:
        """This rank, from 0."""
        ...

    @property
    def size(self) -> int:
        """Number of ranks."""
        ...

    def barrier(self) -> None:
        """Wait until all ranks are here."""
        ...

    def gather(self, value: T, kind: TypeAdapter[T]) -> list[T]:
        """Every rank's value, in the order of ranks, on every rank.

        Args:
            value: value of this rank.
            kind: type of the value, by which the others' values are validated.
        """
        ...


_LITTLE_SPACE_BYTES = 1 << 20
_DIGESTS = TypeAdapter(dict[str, FileDigest])


class CheckpointWriter:
    """Commits the checkpoints of one attempt.

    Args:
        root: the stage's checkpoint folder, shared by all ranks.
        template: common fields of all manifests of this attempt.
        group: the ranks.
        keep: number of committed checkpoints to keep.
    """

    def __init__(self, root: Path, template: Manifest, group: Group, *, keep: int) -> None:
        self._root = root
        self._template = template
        self._group = group
        self._keep = keep

    def claim(self) -> None:
        """Take over from earlier attempts: from now on only this attempt may commit."""
        if self._group.rank == 0:
            self._root.mkdir(parents=True, exist_ok=True)
            replace_file(self._root / ATTEMPT, str(self._template.attempt))
            for folder in leftover_folders(self._root):
                shutil.rmtree(folder)
        self._group.barrier()

    def commit(self, state: CheckpointState, write: Callable[[Path], None]) -> None:
        """Write and commit the checkpoint after `state.step` steps. Collective.

        Args:
            state: training state for the manifest.
            write: writes this rank's files into a given folder; collective.

        Raises:
            UserError: the disk is full.
            StageError: a later attempt has taken over.
        """
        temporary = temporary_folder(self._root, state.step, self._template.attempt)
        try:
            self._write(temporary, state, write)
        except (OSError, RuntimeError) as error:
            raise self._explain(error, temporary) from error
        if self._group.rank == 0:
            self._publish(temporary, state.step)
            self._prune()
        self._group.barrier()

    def _write(
        self, temporary: Path, state: CheckpointState, write: Callable[[Path], None]
    ) -> None:
        if self._group.rank == 0:
            temporary.mkdir()
        self._group.barrier()
        write(temporary)
        self._group.barrier()  # all files are there
        share = file_names(temporary)[self._group.rank :: self._group.size]
        for name in share:
            sync(temporary / name)
        digests: dict[str, FileDigest] = {}
        for part in self._group.gather(digest_files(temporary, share), _DIGESTS):
            digests |= part
        if self._group.rank == 0:
            manifest = self._template.replace(state=state, files=digests)
            replace_file(temporary / MANIFEST, manifest.model_dump_json(indent=1))

    def _publish(self, temporary: Path, step: int) -> None:
        holder = (self._root / ATTEMPT).read_text(encoding="utf-8")
        if holder != str(self._template.attempt):
            shutil.rmtree(temporary)
            raise StageError(
                f"attempt {holder} of this stage has taken over from attempt "
                f"{self._template.attempt}; its checkpoint of step {step} was not committed",
                reason="Superseded",
            )
        final = step_folder(self._root, step)
        if final.exists():  # damaged, or a commit that was cut off before its marker
            self._delete(step)
        temporary.rename(final)
        sync(self._root)
        replace_file(final / COMMITTED, sha256(final / MANIFEST))

    def _prune(self) -> None:
        pinned = pinned_step(self._root)
        for step in checkpoint_steps(self._root)[self._keep :]:
            if step != pinned:
                self._delete(step)

    def _delete(self, step: int) -> None:
        trash = trash_folder(self._root, step, self._template.attempt)
        step_folder(self._root, step).rename(trash)
        shutil.rmtree(trash)

    def _explain(self, error: OSError | RuntimeError, temporary: Path) -> Exception:
        free_bytes = shutil.disk_usage(self._root).free
        if not is_full(error) and free_bytes > _LITTLE_SPACE_BYTES:  # torch does not report it
            return error
        shutil.rmtree(temporary, ignore_errors=True)  # gives back what it took; may be gone already
        committed = newest_committed(self._root)
        kept = (
            "no checkpoint was committed yet, so training starts anew"
            if committed is None
            else f"the checkpoint of step {committed}, the last one, is untouched"
        )
        return disk_full(f"a checkpoint into {self._root}", self._root, kept=kept)
