"""Fetches files of a mirror's commit into a folder aside, and verifies each of their bytes."""

import hashlib
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from llmtrain_trainer.errors import Interrupted
from llmtrain_trainer.files import create_binary, remove_folder, sync_tree
from llmtrain_trainer.mirror.commits import Chunk, MirrorCommit, MirroredFile
from llmtrain_trainer.object_storage.store import ObjectStore
from llmtrain_trainer.stage import StageContext

_PARALLEL_GETS = 4
_STAGED = ".restoring"


class Source:
    """A mirror that files are fetched from.

    Args:
        store: the mirror.
        context: context of the attempt, which gets the progress and may be stopped.
    """

    def __init__(self, store: ObjectStore, context: StageContext) -> None:
        self.store, self._context = store, context
        self._staged = context.workspace.root / _STAGED

    @contextmanager
    def fetched(self, commit: MirrorCommit, paths: Iterable[str]) -> Iterator[Path]:
        """Fetch files; gives a folder with them, which is removed in the end.

        Args:
            commit: a commit.
            paths: files and folders of it, relative to the workspace; others are left out.

        Raises:
            ValueError: a file is damaged or missing in the mirror.
            Interrupted: a stop was requested.
        """
        remove_folder(self._staged)  # of an attempt that was killed
        files = {name: file for path in paths for name, file in commit.below(path).items()}
        self._staged.mkdir(parents=True)
        try:
            with ThreadPoolExecutor(_PARALLEL_GETS, thread_name_prefix="mirror-get") as pool:
                for number, (name, file) in enumerate(files.items(), start=1):
                    self._context.progress.update(
                        activity=f"fetching from {self.store.url} (file {number} of {len(files)})"
                    )
                    self._fetch(name, file, pool)
            sync_tree(self._staged)
            yield self._staged
        finally:
            remove_folder(self._staged)

    def _fetch(self, name: str, file: MirroredFile, pool: ThreadPoolExecutor) -> None:
        target, whole = self._staged / name, hashlib.sha256()
        target.parent.mkdir(parents=True, exist_ok=True)
        with create_binary(target) as output:
            for data in self._contents(file.chunks, pool):
                whole.update(data)
                output.write(data)
        if whole.hexdigest() != file.sha256:
            raise ValueError(f"{name} does not have the SHA-256 of its commit")

    def _contents(self, chunks: Iterable[Chunk], pool: ThreadPoolExecutor) -> Iterator[bytes]:
        """The content of chunks in order, a few of them fetched ahead."""
        gets: deque[Future[bytes]] = deque()
        for chunk in chunks:
            if len(gets) == _PARALLEL_GETS:  # bounds the chunks in memory
                yield gets.popleft().result()
            gets.append(pool.submit(self._content, chunk))
        while gets:
            yield gets.popleft().result()

    def _content(self, chunk: Chunk) -> bytes:
        if self._context.stop.is_set():
            raise Interrupted("stopped while the workspace was restored from its mirror")
        for _ in range(2):  # once more: the transfer may have damaged it
            data = self.store.get(chunk.blob)
            if data is not None and Chunk.of(data) == chunk:
                self._context.progress.update()
                return data
        if data is None:
            raise ValueError(f"{chunk.blob} is missing")
        self.store.delete(chunk.blob)  # so that it is uploaded anew
        raise ValueError(f"{chunk.blob} does not have the SHA-256 that is its name")
