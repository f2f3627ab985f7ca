"""One near deduplication of a corpus: its settings, and where its files are."""

from dataclasses import dataclass
from pathlib import Path

from llmtrain_api.spec.step_sections.deduplication import NearDedup
from llmtrain_trainer.data.drops import DropFile


@dataclass(frozen=True)
class NearTask:
    """A step `nearDedup`, as workers get it."""

    name: str
    """The step's name in the data report."""
    section: NearDedup
    units: tuple[Path, ...]
    """Folders of all clean units, in order."""
    earlier: tuple[DropFile, ...]
    """Documents that are dropped already: they are compared with nothing."""
    home: Path
    """Folder of all that this step makes."""

    @property
    def sketches(self) -> Path:
        """Folder of the units' signatures."""
        return self.home / "sketches"

    @property
    def pairs(self) -> Path:
        """Folder of the partitions of band keys."""
        return self.home / "pairs"

    @property
    def clusters(self) -> Path:
        """Folder of the clusters."""
        return self.home / "clusters"

    def sketch(self, unit: int) -> Path:
        """Folder of a unit's signatures."""
        return self.sketches / self.units[unit].name
