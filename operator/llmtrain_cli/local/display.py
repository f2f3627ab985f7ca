"""Shows the progress of a run: a live table on a terminal, a line for each change elsewhere."""

import time
from typing import Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from llmtrain_api.job import LLMTrainingJob
from llmtrain_api.status import JobStatus, Progress, StageState, StageStatus
from llmtrain_api.training_metrics import StatusMetrics, metric_fields
from llmtrain_cli.text import bandwidth, plain, say, short_duration

_STYLES = {
    StageState.PENDING: "dim",
    StageState.STARTING: "cyan",
    StageState.RUNNING: "bold cyan",
    StageState.STOPPING: "yellow",
    StageState.SUCCEEDED: "green",
    StageState.FAILED: "bold red",
}
_LINE_SECONDS = 15.0


class RunDisplay:
    """Display of a run; a context manager.

    Args:
        job: the job of the run.
        console: console for the output.
    """

    def __init__(self, job: LLMTrainingJob, console: Console) -> None:
        self._job, self._console = job, console
        self._live = Live(console=console, auto_refresh=False) if console.is_terminal else None
        self._shown: tuple[object, ...] = ()
        self._shown_at = 0.0
        self._warned: set[str] = set()

    def __enter__(self) -> Self:
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._live is not None:
            self._live.stop()

    def say(self, message: str) -> None:
        """Show a line of text."""
        say(self._console, message)

    def show(self, status: JobStatus) -> None:
        """Show the newest status, and each warning of a finished stage once."""
        for stage in status.stages:
            if stage.state is StageState.SUCCEEDED and stage.run.message:
                self._warn(stage.name, stage.run.message)
        if self._live is not None:
            self._live.update(run_view(self._job, status), refresh=True)
            return
        stages = [status.stage(name) for name in self._job.spec.stages]
        current = next((s for s in stages if s.state is not StageState.SUCCEEDED), stages[-1])
        key = (current.name, current.state, current.run.next_attempt)
        if key != self._shown or time.monotonic() - self._shown_at > _LINE_SECONDS:
            self._shown, self._shown_at = key, time.monotonic()
            self.say(_line(current, status.progress))

    def _warn(self, stage: str, message: str) -> None:
        for warning in message.splitlines():
            line = f"{stage}: warning: {warning}"
            if line not in self._warned:
                self._warned.add(line)
                say(self._console, line, "yellow")


def run_view(job: LLMTrainingJob, status: JobStatus) -> RenderableType:
    """Table of a run: a row for each stage, and the activity of the running one."""
    table = Table(box=None, pad_edge=False, show_header=False)
    for width in (9, 9, 24, None):  # columns that fit any terminal, and the rest
        table.add_column(no_wrap=True, min_width=width)
    for name in job.spec.stages:
        stage = status.stage(name)
        percent = _percent(stage, status.progress)
        table.add_row(
            Text(name.value, style=_STYLES[stage.state]),
            Text(stage.state.value, style=_STYLES[stage.state]),
            ProgressBar(total=100, completed=percent, width=24),
            plain(_details(stage, status.progress), "dim"),
        )
    title = Text.assemble((job.metadata.name, "bold"), f"  {status.phase}", _outlook(status))
    links = [plain(line, "dim") for line in _links(status.progress)]
    return Group(title, table, *links)


def _outlook(status: JobStatus) -> str:
    """Remaining time of the pipeline, and its cost so far."""
    progress, cost = status.progress, status.cost
    text = ""
    if progress is not None and progress.pipeline_eta_seconds is not None:
        text += f"  about {short_duration(progress.pipeline_eta_seconds)} left"
    if cost is not None:
        text += f"  {cost.spent_usd} USD spent"
        text += f" of {cost.forecast_usd}" if cost.forecast_usd is not None else ""
    return text


def _links(progress: Progress | None) -> list[str]:
    """A line about the links between workers, where they were measured."""
    if progress is None or progress.bus_bandwidth is None:
        return []
    text = (
        f"links: {bandwidth(progress.bus_bandwidth)} over all workers, the slowest "
        f"{bandwidth(progress.slowest_link_bandwidth or 0)}"
    )
    if progress.slowest_rank is not None:
        text += f"; slowest worker: rank {progress.slowest_rank} on node {progress.slowest_node}"
    return [text]


def _percent(stage: StageStatus, progress: Progress | None) -> float:
    if stage.state is StageState.SUCCEEDED:
        return 100.0
    if progress is None or progress.stage is not stage.name:
        return 0.0
    return progress.stage_percent


def _details(stage: StageStatus, progress: Progress | None) -> str:
    """Measurements of a running stage, or the reason why it does not run."""
    if stage.state in {StageState.PENDING, StageState.FAILED, StageState.STOPPING}:
        return (stage.run.message or "").partition("\n")[0][:100]
    if progress is None or progress.stage is not stage.name or stage.state is StageState.SUCCEEDED:
        return ""
    parts = [progress.activity]
    if progress.step is not None and progress.total_steps:
        parts.append(f"step {progress.step}/{progress.total_steps}")
    for each in metric_fields(StatusMetrics):
        value = each.value_in(progress)
        if each.metric.terminal and value is not None:
            parts.append(each.metric.terminal.format(value))
    if progress.eta_seconds is not None:
        parts.append(f"{short_duration(progress.eta_seconds)} left")
    return "  ".join(part for part in parts if part)


def _line(stage: StageStatus, progress: Progress | None) -> str:
    percent = _percent(stage, progress)
    details = _details(stage, progress)
    return f"{stage.name:<9} {stage.state:<9} {percent:3.0f} %  {details}".rstrip()
