"""TensorBoard event files in the workspace."""

from collections.abc import Sequence

from tensorboardX import SummaryWriter

from llmtrain_api.spec.tracking import TensorBoard
from llmtrain_trainer.tracking.run import Point, TrackedRun


class EventFiles:
    """Writes one event file per attempt; steps that a restart does again are hidden from before.

    Args:
        section: section of the manifest.
        run: the stage.
    """

    def __init__(self, section: TensorBoard, run: TrackedRun) -> None:
        self._writer = SummaryWriter(
            str(run.folder / "tensorboard" / run.stage),
            purge_step=run.resumed_step + 1,
            flush_secs=section.flush_seconds,
            filename_suffix=f".{run.attempt}",  # two of the same second would be one file
        )

    def write(self, points: Sequence[Point]) -> None:
        """Append the points."""
        for point in points:
            for name, value in point.values.items():
                self._writer.add_scalar(name, value, point.step, walltime=point.time)

    def close(self, *, succeeded: bool) -> None:
        """Write all out; event files do not say how a run ended."""
        del succeeded
        self._writer.close()


connect = EventFiles
