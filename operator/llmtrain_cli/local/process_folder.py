"""The temporary folder of a run's processes, which no other user of the machine can enter."""

import tempfile
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class ProcessFolder:
    """Folders for Ray and all that it starts; they are removed together when Ray ends."""

    root: Path
    """For its owner alone; Ray opens its own folder to everybody, and nobody gets that far."""

    @property
    def ray(self) -> Path:
        """Ray's session: sockets, logs, copies of code."""
        return self.root / "ray"

    @property
    def working(self) -> Path:
        """The working directory, which Ray puts on Python's path: it stays empty."""
        return self.root / "working"

    @property
    def temporary(self) -> Path:
        """Temporary files: libraries use predictable names, such as the compiler's cache."""
        return self.root / "tmp"

    @property
    def environment(self) -> dict[str, str]:
        """Variables that keep the processes in these folders."""
        return {"TMPDIR": str(self.temporary), "RAY_TMPDIR": str(self.temporary)}


def process_folder() -> ProcessFolder:
    """Make the folder anew, under a name that nobody can foresee."""
    # Its path is short, because the paths of sockets must be.
    folder = ProcessFolder(Path(tempfile.mkdtemp(prefix="llmtrain-")))
    for each in (folder.ray, folder.working, folder.temporary):
        each.mkdir(mode=0o700)
    return folder
