"""The last output of `llmtrain run`: how the run ended, its results, and the next step."""

from rich.console import Console

from llmtrain_api.job import LLMTrainingJob
from llmtrain_api.status import ConditionStatus, JobStatus, Phase, StageState
from llmtrain_api.workspace import Workspace
from llmtrain_cli.exits import INTERRUPTED, JOB_FAILED
from llmtrain_cli.local.results import show_results
from llmtrain_cli.report.command import write_report
from llmtrain_cli.report.sources import Run
from llmtrain_cli.text import say
from llmtrain_lifecycle.conditions import WITHIN_BUDGET

_GOES_ON = "Stopped. The same command goes on from the newest checkpoint."


def conclude(
    job: LLMTrainingJob, status: JobStatus | None, workspace: Workspace, console: Console
) -> int:
    """Print how a run ended, and write its report.

    Args:
        job: the job of the run.
        status: the newest status; None if the run was aborted at once.
        workspace: the run's workspace.
        console: console for the output.

    Returns:
        The exit code.
    """
    if status is None:
        say(console, _GOES_ON)
        return INTERRUPTED
    if status.phase is Phase.SUSPENDED:
        say(console, _why_stopped(job, status))
        _report(job, status, workspace, console)
        return INTERRUPTED
    if status.phase is Phase.FAILED:
        _say_what_failed(status, workspace, console)
    show_results(status, workspace, console)
    _report(job, status, workspace, console)
    return 0 if status.phase is Phase.SUCCEEDED else JOB_FAILED


def _why_stopped(job: LLMTrainingJob, status: JobStatus) -> str:
    if job.spec.policy.suspend:
        return "Stopped: policy.suspend is set; take it out of the manifest to go on."
    for condition in status.conditions:
        if condition.type == WITHIN_BUDGET and condition.status is ConditionStatus.FALSE:
            return f"Stopped: {condition.message} from the newest checkpoint."
    return _GOES_ON


def _say_what_failed(status: JobStatus, workspace: Workspace, console: Console) -> None:
    failed = next(s for s in status.stages if s.state is StageState.FAILED)
    say(console, f"{failed.name} failed ({failed.run.reason}): ", "red", end="")
    say(console, failed.run.message or "")
    if failed.run.attempt is not None:
        log = workspace.log(failed.name, failed.run.attempt.number)
        say(console, f"Its log is in {log}.")


def _report(job: LLMTrainingJob, status: JobStatus, workspace: Workspace, console: Console) -> None:
    try:
        report = write_report(workspace, Run(job, status))
        say(console, f"The report is in {report}.")
    except OSError as error:
        say(console, f"The report cannot be written: {error.strerror}", "red")
