"""Copies to the mirror on a thread of the driver, one checkpoint at a time, while ranks train."""

import logging
import threading
import time
from contextlib import AbstractContextManager
from typing import Self

from llmtrain_trainer.checkpoint.manifest import newest_committed
from llmtrain_trainer.errors import Interrupted, StageError, UserError
from llmtrain_trainer.mirror.upload import ChangedError, Uploader
from llmtrain_trainer.object_storage.faults import StoreError
from llmtrain_trainer.stage import StageContext

_log = logging.getLogger(__name__)
_LOOK_SECONDS = 2.0
_LAST_SECONDS = 30.0
"""Time for the last checkpoint after a stop was requested; the workspace holds it in any case."""


class MirrorThread(AbstractContextManager["MirrorThread"]):
    """Copies each newest checkpoint while a stage runs, then the stage's results.

    A fault of the mirror is no reason to stop training: it is reported, and tried again with the
    next look. `finish` raises it.

    Args:
        uploader: copies; only one thread calls it at a time.
        context: context of the attempt.
    """

    def __init__(self, uploader: Uploader, context: StageContext) -> None:
        self._uploader, self._context = uploader, context
        self._stage = context.config.stage
        self._training = context.config.trainings.get(self._stage)
        self._copied: int | None = None
        self._holds_initial = False
        self._superseded: StageError | None = None
        self._closing = threading.Event()
        self._failed = self._finishing = False
        self._stopped_at: float | None = None
        self._thread = threading.Thread(target=self._run, name="mirror", daemon=True)

    def __enter__(self) -> Self:
        if self._training is not None:
            self._thread.start()
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        """End the thread: at once where the stage failed, else after what it is copying.

        Raises:
            StageError: another attempt has taken over, and training was stopped therefore.
        """
        self._failed = error is not None and not isinstance(error, Interrupted)
        self._close()
        if self._superseded is not None and isinstance(error, Interrupted):
            raise self._superseded

    def finish(self) -> None:
        """Copy the last checkpoint and the stage's results; only then the stage is done.

        Raises:
            UserError: the mirror cannot be used.
            StoreError: the mirror could not be reached.
            StageError: another attempt has taken over.
            Interrupted: a stop was requested.
        """
        self._close()
        if self._superseded is not None:
            raise self._superseded
        self._finishing = True
        self._context.progress.update(activity="copying to the mirror")
        try:
            self._copy_initial()
            self._copy_newest()
            self._uploader.results(self._stage, overdue=self._overdue)
        except ChangedError as error:
            raise StageError(f"the mirror is not complete: {error}") from error

    def _close(self) -> None:
        self._closing.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        closing = False
        while not closing:
            closing = self._closing.wait(_LOOK_SECONDS)
            try:
                self._copy_newest()
            except (UserError, StoreError, ChangedError) as error:
                _log.warning("the newest checkpoint is not in the mirror: %s", error)
                self._context.progress.update(warnings=(f"the mirror lags behind: {error}",))
            except Interrupted:
                return
            except StageError as error:
                self._superseded = error
                self._context.stop.set()
                return

    def _copy_initial(self) -> None:
        """Copy the model of the hub, and then ask the mirror no more whether it has it."""
        if not self._holds_initial:
            self._holds_initial = self._uploader.initial_model(overdue=self._overdue)

    def _copy_newest(self) -> None:
        if self._training is None:
            return
        step = newest_committed(self._context.workspace.checkpoints(self._stage))
        if step is not None and step != self._copied:
            self._copy_initial()  # a checkpoint may stand on it
            keep = self._training.checkpoint.keep
            self._uploader.checkpoint(self._stage, step, keep=keep, overdue=self._overdue)
            self._copied = step

    def _overdue(self) -> bool:
        """Whether to end copying: the stage failed, or a stop was requested a while ago."""
        if self._stopped_at is None and self._context.stop.is_set():
            self._stopped_at = time.monotonic()
        if self._finishing:
            self._context.progress.update()  # a sign of life, which is the ranks' before
        waited = self._stopped_at and time.monotonic() - self._stopped_at
        return self._failed or (waited or 0) > _LAST_SECONDS
