"""A shard and a file of documents whose first reader is killed."""

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ray import cloudpickle

from llmtrain_trainer.data.documents import DocumentFile, RowGroup
from llmtrain_trainer.data.readers.rows import BadRows
from llmtrain_trainer.data.sources.shards import Shard

_DOCUMENTS_BEFORE = 5


@dataclass(frozen=True)
class KilledReader:
    """As another shard, but the process that reads it first gets SIGKILL."""

    shard: Shard
    marker: Path
    """A file that is there from then on."""

    @property
    def source(self) -> str:
        """The other shard's."""
        return self.shard.source

    @property
    def size(self) -> int:
        """The other shard's."""
        return self.shard.size

    @property
    def is_html(self) -> bool:
        """The other shard's."""
        return self.shard.is_html

    @property
    def identity(self) -> str:
        """The other shard's."""
        return self.shard.identity

    def documents(self, bad_rows: BadRows) -> Iterator[str]:
        """The other shard's, or the end of the process."""
        for number, text in enumerate(self.shard.documents(bad_rows)):
            if number == _DOCUMENTS_BEFORE and not self.marker.exists():
                self.marker.touch()
                os.kill(os.getpid(), signal.SIGKILL)
            yield text


@dataclass(frozen=True, kw_only=True)
class KilledFile(DocumentFile):
    """A file of documents; the process that reads it first gets SIGKILL."""

    marker: Path
    """A file that is there from then on."""

    def row_groups(self) -> list[RowGroup]:
        """Its documents, or the end of the process."""
        if not self.marker.exists():
            self.marker.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return super().row_groups()


@contextmanager
def known_to_workers() -> Iterator[None]:
    """Send this module to Ray's workers, which cannot import it."""
    here = sys.modules[__name__]
    cloudpickle.register_pickle_by_value(here)
    try:
        yield
    finally:
        cloudpickle.unregister_pickle_by_value(here)
