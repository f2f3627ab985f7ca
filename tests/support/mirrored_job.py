"""A tiny job with a mirror, whose stages are made of a few bytes instead of being run."""

import shutil
import threading
from dataclasses import replace
from pathlib import Path

from support.checkpoints import new_writer, newest_step, write_files
from support.tiny_job import pretrain_config

from llmtrain_api.run_config import RunConfig
from llmtrain_api.spec.model import Model
from llmtrain_api.stages import Stage
from llmtrain_api.workspace import Workspace
from llmtrain_trainer.checkpoint.manifest import CheckpointState
from llmtrain_trainer.mirror.restore import restore
from llmtrain_trainer.mirror.upload import Uploader
from llmtrain_trainer.mirror.writer import Writer
from llmtrain_trainer.object_storage.retries import Patience
from llmtrain_trainer.object_storage.store import ObjectStore
from llmtrain_trainer.progress.tracker import ProgressTracker
from llmtrain_trainer.stage import StageContext

KEEP = 2


class MirroredJob:
    """The pretrain stage of a job.

    Args:
        workspace: its workspace, which is made.
        url: URL of its mirror.
        attempt: attempt of the stage.
        uid: UID of the job.
        patience: limits retries.
    """

    def __init__(
        self,
        workspace: Path,
        url: str,
        *,
        attempt: int = 0,
        uid: str = "job-0",
        patience: Patience | None = None,
    ) -> None:
        workspace.mkdir(exist_ok=True)
        config = pretrain_config(workspace, attempt=attempt, checkpoint={"keep": KEEP})
        self.config: RunConfig = config.replace(mirror=url, job_uid=uid)
        self.workspace = Workspace(workspace)
        self.checkpoints = self.workspace.checkpoints(Stage.PRETRAIN)
        self.context = StageContext(self.config, ProgressTracker(self.config), threading.Event())
        self.store = ObjectStore.open(
            url, field_name="workspace.mirror", patience=patience or Patience(seconds=0)
        )
        self.writer = Writer(self.store, self.config)

    def starting_from(self, name: str) -> "MirroredJob":
        """The same job with a model of the hub to begin with."""
        self.config = self.config.replace(model=Model(init_from=name))
        self.context = replace(self.context, config=self.config)
        return self

    def claim(self) -> Uploader:
        """Take over the mirror."""
        self.writer.claim()
        return Uploader(self.store, self.writer, self.workspace)

    def train(self, *steps: int) -> None:
        """Commit the checkpoints of some steps to the workspace."""
        writer = new_writer(self.checkpoints, attempt=self.config.attempt, keep=KEEP)
        for step in steps:
            writer.commit(CheckpointState(step=step), write_files(step))
            log = self.workspace.metrics(Stage.PRETRAIN)
            log.parent.mkdir(exist_ok=True)
            log.write_text("".join(f"{each}\n" for each in range(1, step + 1)))

    def copy(self, step: int) -> None:
        """Take over the mirror, and copy a checkpoint to it."""
        self.claim().checkpoint(Stage.PRETRAIN, step, keep=KEEP)

    def restored_step(self) -> int | None:
        """The step that training would go on from, once the mirror was asked too."""
        restore(self.store, self.context)
        return newest_step(self.checkpoints)


def emptied(job: MirroredJob) -> None:
    """Lose the workspace."""
    shutil.rmtree(job.workspace.root)
    job.workspace.root.mkdir()
