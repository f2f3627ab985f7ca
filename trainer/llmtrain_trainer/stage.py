"""The context of a stage's processes."""

import threading
from dataclasses import dataclass, field
from pathlib import Path

from llmtrain_api.run_config import RunConfig
from llmtrain_api.workspace import Workspace
from llmtrain_trainer.progress.reporter import Reporter


@dataclass(frozen=True)
class ReportAddress:
    """Address of the driver for reports of a stage's other processes."""

    url: str
    token: str = field(repr=False)


@dataclass(frozen=True)
class StageContext:
    """One attempt of a stage, as each of its processes sees it."""

    config: RunConfig
    progress: Reporter
    stop: threading.Event = field(default_factory=threading.Event)
    """Set when a stop is requested: finish what cannot be redone, then raise
    `Interrupted`."""
    report_to: ReportAddress | None = None
    """The driver's own; None in every other process."""

    @property
    def workspace(self) -> Workspace:
        """The job's durable folder."""
        return Workspace(Path(self.config.workspace))

    def input_path(self, path: str) -> Path:
        """A path of the manifest; a relative one starts from the inputs folder."""
        return Path(self.config.inputs) / path
