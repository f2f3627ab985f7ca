"""Units of a corpus: neighbouring shards of one source that one worker takes at a time.

They follow from the manifest and the inputs alone, never from the number of workers.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from llmtrain_trainer.data.sources.shards import Shard, SourceShard
from llmtrain_trainer.units import neighbours, unit_bytes


@dataclass(frozen=True)
class CorpusUnit:
    """Shards that one worker takes at a time."""

    number: int
    """Position among all units, and so of its documents in the corpus."""
    source: int
    """Position of its source in the manifest."""
    shards: tuple[Shard, ...]
    size: int
    """Bytes that it reads, perhaps compressed."""

    @property
    def name(self) -> str:
        """The name of its folder; names sort as units do."""
        return f"{self.number:06}"


def corpus_units(work: Sequence[SourceShard]) -> list[CorpusUnit]:
    """The units of a corpus, in the order of its shards."""
    sized = [(each, each.shard.size) for each in work]  # a size may be a look at many files
    wanted = unit_bytes(sum(size for _, size in sized))
    groups = [
        (source, group, size)
        for source, shards in groupby(sized, lambda each: each[0].number)
        for group, size in neighbours(((each.shard, size) for each, size in shards), wanted)
    ]
    return [
        CorpusUnit(number, source, group, size)
        for number, (source, group, size) in enumerate(groups)
    ]
