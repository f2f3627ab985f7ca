"""One removal of repeated lines from a corpus: its settings, and where its files are."""

from dataclasses import dataclass
from pathlib import Path

from llmtrain_api.spec.step_sections.deduplication import LineDedup
from llmtrain_trainer.data.rounds import Documents


@dataclass(frozen=True)
class LineTask:
    """A step `lineDedup`, as workers get it."""

    name: str
    """The step's name in the data report."""
    section: LineDedup
    documents: Documents
    home: Path
    """Folder of all that this step makes."""

    @property
    def hashes(self) -> Path:
        """Folder of the units' hashes."""
        return self.home / "hashes"

    @property
    def repeated(self) -> Path:
        """Folder of the partitions of all hashes."""
        return self.home / "repeated"

    @property
    def frequent(self) -> Path:
        """Folder of the most frequent lines."""
        return self.home / "frequent"

    @property
    def rewritten(self) -> Path:
        """Folder of the units without repeated lines."""
        return self.home / "rewritten"

    def hashes_of(self, unit: int) -> Path:
        """Folder of a unit's hashes."""
        return self.hashes / self.documents.units[unit].name
