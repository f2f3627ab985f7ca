"""The source `pythonDocs`."""

import sys
from collections.abc import Iterator
from dataclasses import dataclass

from llmtrain_trainer.data.bad_rows import BadRows
from llmtrain_trainer.data.python_docs import harvest_part, parts

_PARTS_IN_A_UNIT = 64


@dataclass(frozen=True)
class PythonDocsUnit:
    """Some modules of the standard library."""

    parts: tuple[str, ...]
    source: str = "pythonDocs"
    is_html: bool = False

    @property
    def size(self) -> int:
        """The number of modules."""
        return len(self.parts)

    @property
    def identity(self) -> str:
        """The interpreter's version and the modules."""
        return f"{sys.version} {self.parts}"

    def documents(self, bad_rows: BadRows) -> Iterator[str]:  # noqa: ARG002 - it has no rows
        """A document for each documented thing."""
        for part in self.parts:
            for entry in harvest_part(part):
                yield entry.document


def python_docs_units() -> list[PythonDocsUnit]:
    """The whole documentation, in a few units."""
    every = parts()
    return [
        PythonDocsUnit(tuple(every[start : start + _PARTS_IN_A_UNIT]))
        for start in range(0, len(every), _PARTS_IN_A_UNIT)
    ]
