"""The sources of a manifest as shards, each read by one task."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from llmtrain_api.spec.data import Source
from llmtrain_trainer.data.readers.rows import BadRows
from llmtrain_trainer.stage import StageContext


class Shard(Protocol):
    """Made by the driver, read by a worker, perhaps on another machine."""

    @property
    def source(self) -> str:
        """Origin of its documents, for messages: a file's path."""
        ...

    @property
    def size(self) -> int:
        """Bytes that it reads, perhaps compressed."""
        ...

    @property
    def is_html(self) -> bool:
        """Whether all of its documents are HTML, whatever they look like."""
        ...

    @property
    def identity(self) -> str:
        """Changes when what it reads may have changed."""
        ...

    def documents(self, bad_rows: BadRows) -> Iterator[str]:
        """Its texts, always in the same order.

        Args:
            bad_rows: counts the rows that hold no text.

        Raises:
            UserError: what it reads is not what it should be.
        """
        ...


@dataclass(frozen=True)
class SourceShard:
    """A shard, and the source of the manifest that it belongs to."""

    shard: Shard
    number: int
    """Position of the source in the manifest's `data.sources`."""


def shards(sources: Sequence[Source], context: StageContext) -> list[SourceShard]:
    """The shards of all sources, in the order of the manifest.

    Raises:
        UserError: a source cannot be found.
    """
    return [
        SourceShard(shard, number)
        for number, source in enumerate(sources)
        for shard in _shards_of(source, context)
    ]


def _shards_of(source: Source, context: StageContext) -> Sequence[Shard]:
    """The shards of one source; its module is loaded only when it is used."""
    if source.python_docs is not None:
        from llmtrain_trainer.data.sources.python_docs import python_docs_shards

        return python_docs_shards()
    if source.files is not None:
        from llmtrain_trainer.data.sources.files import file_shards

        return file_shards(source.files, context)
    if source.hugging_face is not None:
        from llmtrain_trainer.data.sources.hugging_face import hugging_face_shards

        return hugging_face_shards(source.hugging_face, context)
    raise AssertionError("the contract lets no source pass without a kind")
