"""Turns the sources of a manifest into shards."""

from collections.abc import Sequence

from llmtrain_api.spec.data import Source
from llmtrain_trainer.data.sources.shard import Shard, SourceShard
from llmtrain_trainer.stage import StageContext


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
