"""Weights & Biases: a run online, or offline files in the workspace."""

import os
from collections.abc import Sequence

from llmtrain_api.spec.tracking import Wandb
from llmtrain_trainer.tracking.run import Point, TrackedRun


class WandbRun:
    """One run per stage; each attempt resumes it by its id.

    Args:
        section: section of the manifest.
        run: the stage.
    """

    def __init__(self, section: Wandb, run: TrackedRun) -> None:
        os.environ.setdefault("WANDB_ERROR_REPORTING", "false")  # no error reports
        import wandb

        self._teardown = wandb.teardown
        run.folder.mkdir(parents=True, exist_ok=True)
        self._run = wandb.init(
            project=section.project,
            entity=section.entity,
            mode=section.mode.value,
            id=run.id,
            resume="allow",
            name=f"{run.job}-{run.stage}",
            group=run.job,
            dir=str(run.folder),
            config=dict(run.parameters),
            settings=wandb.Settings(
                console="off",  # the log of the attempt is the workspace's
                silent=True,
                disable_git=True,
                disable_code=True,
                x_disable_meta=True,
                x_disable_stats=True,
                x_disable_machine_info=True,
            ),
        )
        # Its own steps only grow; ours go back with a restart.
        self._run.define_metric("*", step_metric="step")

    def write(self, points: Sequence[Point]) -> None:
        """Record the points."""
        for point in points:
            self._run.log({"step": point.step, **point.values})

    def close(self, *, succeeded: bool) -> None:
        """Write all out, and end the library's process."""
        self._run.finish(exit_code=0 if succeeded else 1)
        self._teardown()


connect = WandbRun
