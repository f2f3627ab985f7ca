"""The driver: `python -m llmtrain_trainer RUN_CONFIG` runs the stage that the file names."""

import logging
import os
import secrets
import signal
import sys
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import psutil

from llmtrain_api.run_config import RunConfig
from llmtrain_api.workspace import Workspace
from llmtrain_trainer.disk import explain_full_disk
from llmtrain_trainer.driver_log import driver_log
from llmtrain_trainer.environment import record_environment
from llmtrain_trainer.errors import Interrupted, UserError
from llmtrain_trainer.launch.early_start import next_ranks_starting
from llmtrain_trainer.mirror.mirrored import mirrored
from llmtrain_trainer.outcome import Ending, ending, leave, read_run_config
from llmtrain_trainer.progress.server import REPORT_PATH, serve_progress
from llmtrain_trainer.progress.tracker import ProgressTracker
from llmtrain_trainer.ray_connection import join_ray
from llmtrain_trainer.runner import StageResult, runners, work
from llmtrain_trainer.stage import ReportAddress, StageContext

_LOOK_SECONDS = 0.5
_STOP_SECONDS = 10.0
"""Grace period of a stage without checkpoints. If it has not ended by then, it is inside a library
call that cannot be interrupted, such as learning a vocabulary."""


def main() -> int:
    """Run the stage; returns the exit code."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    with ExitStack() as log, ending() as end:  # its last output goes into the log too
        config = read_run_config(sys.argv[1:])
        workspace = Workspace(Path(config.workspace))
        with explain_full_disk(workspace.root):
            log.enter_context(driver_log(workspace.log(config.stage, config.attempt)))
            record_environment(config)
            _drive(config, end)
    return end.exit_code


def _drive(config: RunConfig, end: Ending) -> None:
    """Serve the progress report while the stage runs, and forward stop requests."""
    started = psutil.Process().create_time()
    tracker = ProgressTracker(config, started=started)
    stop, token = threading.Event(), secrets.token_hex()
    host, port = config.progress_host, config.progress_port
    served = serve_progress(
        host,
        port,
        tracker,
        stop,
        token=token,
        cluster_token=os.environ.get("RAY_AUTH_TOKEN") or None,
        open_metrics=not config.is_on_one_machine,
    )
    with served:
        reachable = host if config.is_on_one_machine else _address_in_cluster()
        # After Ray's own handlers: the stage ends by itself, after a checkpoint.
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda _number, _frame: stop.set())
        report_to = ReportAddress(f"http://{reachable}:{port}{REPORT_PATH}", token)
        context = StageContext(config, tracker, stop, report_to)
        try:
            end.result = _in_thread(context, lambda: tracker.has_begun)
        except BaseException:
            _end_ranks(config)
            raise
        finally:
            report = tracker.report
            end.work, end.warnings = report.work, report.warnings
        tracker.update(percent=100.0, activity="done")


def _address_in_cluster() -> str:
    """This machine's address for the others."""
    import ray

    join_ray()
    address: str = ray.util.get_node_ip_address()
    return address


def _end_ranks(config: RunConfig) -> None:
    """Leave no ranks to the next stage after one that failed or was interrupted."""
    if config.stage.row.uses_gpus:
        from llmtrain_trainer.launch.worker_group import end_group

        end_group(config)


def _in_thread(context: StageContext, has_begun: Callable[[], bool]) -> StageResult:
    """Run the stage in a thread, so that the main thread stays free for signals.

    Raises:
        Interrupted: a stop was requested before ranks made a step, so nothing is lost and their
            start is not awaited; or a stage without checkpoints did not stop by itself, which
            would start again from the beginning in any case. Their work ends with this process.
    """
    results: list[StageResult] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            results.append(run_stage(context))
        except BaseException as error:  # noqa: BLE001 - raised again in the main thread
            errors.append(error)

    thread = threading.Thread(target=run, name=context.config.stage, daemon=True)
    thread.start()
    requested_at: float | None = None
    while thread.is_alive():
        thread.join(_LOOK_SECONDS)
        if not thread.is_alive() or not context.stop.is_set():
            continue
        requested_at = requested_at or time.monotonic()
        if not has_begun():
            raise Interrupted("stopped before its first step")
        if (
            not context.config.stage.row.uses_gpus
            and time.monotonic() - requested_at > _STOP_SECONDS
        ):
            raise Interrupted("stopped; the stage will be done anew")
    if errors:
        raise errors[0]
    return results[0]


def run_stage(context: StageContext) -> StageResult:
    """Make sure that the job can end well, as far as is known by now, and do the stage's work.

    Raises:
        UserError: it cannot, or the stage has failed by a mistake of the user's.
    """
    stage = context.config.stage
    if context.config.section(stage) is None:
        raise UserError(f"the {stage} stage needs the section {stage} in the manifest")
    _check_access(context)
    with mirrored(context):
        return _work(context)


def _check_access(context: StageContext) -> None:
    for runner in runners(context.config):
        if runner.check_access:
            runner.check_access(context)


def _work(context: StageContext) -> StageResult:
    stage = context.config.stage
    if stage.row.needs_model or stage.row.makes:
        from llmtrain_trainer.models.pipeline import fetch_initial_model

        if fetch_initial_model(context):
            _check_access(context)  # now that the model is known
    if not stage.row.uses_gpus:
        with next_ranks_starting(context):
            return work(context)
    from llmtrain_trainer.launch.worker_group import run_on_trainers

    return run_on_trainers(context)


if __name__ == "__main__":
    leave(main())
