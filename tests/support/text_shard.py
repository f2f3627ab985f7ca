"""A shard with given documents."""

from collections.abc import Iterator
from dataclasses import dataclass

from llmtrain_trainer.data.readers.rows import BadRows


@dataclass(frozen=True)
class TextShard:
    """A shard that holds its documents in memory."""

    texts: tuple[str, ...]
    source: str = "made"
    size: int = 7
    identity: str = ""
    is_html: bool = False

    def documents(self, bad_rows: BadRows) -> Iterator[str]:
        """The texts."""
        assert bad_rows.limit == 0
        yield from self.texts
