"""Turns the sources of a manifest into units of work."""

from collections.abc import Sequence

from llmtrain_api.spec.data import Source
from llmtrain_trainer.data.sources.shard import Shard, SourceShard
from llmtrain_trainer.stage import StageContext


def shards(sources: Sequence[Source], context: StageContext) -> list[SourceShard]:
    """The units of all sources, in the order of the manifest.

    Raises:
        UserError: a source cannot be found.
    """
    return [
        SourceShard(shard, number)
        for number, source in enumerate(sources)
        for shard in _units_of(source, context)
    ]


def _units_of(source: Source, context: StageContext) -> Sequence[Shard]:
    """The units of one source; its module is loaded only when it is used."""
    if source.python_docs is not None:
        from llmtrain_trainer.data.sources.python_docs import python_docs_units

        return python_docs_units()
    if source.files is not None:
        from llmtrain_trainer.data.sources.files import files_units

        return files_units(source.files, context)
    if source.hugging_face is not None:
        from llmtrain_trainer.data.sources.hugging_face import hugging_face_units

        return hugging_face_units(source.hugging_face, context)
    raise AssertionError("the contract lets no source pass without a kind")
