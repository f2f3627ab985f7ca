"""A unit of work whose documents are given."""

from collections.abc import Iterator
from dataclasses import dataclass

from llmtrain_trainer.data.rows import BadRows


@dataclass(frozen=True)
class TextUnit:
    """A unit that holds its documents."""

    texts: tuple[str, ...]
    source: str = "made"
    size: int = 7
    identity: str = ""
    is_html: bool = False

    def documents(self, bad_rows: BadRows) -> Iterator[str]:
        """The texts."""
        assert bad_rows.limit == 0
        yield from self.texts
