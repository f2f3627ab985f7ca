"""Summary of a run: headline figures, stages, and the plan beside the result."""

from dataclasses import dataclass

from llmtrain_api.plan import StagePlan
from llmtrain_api.records import StepRecord
from llmtrain_api.stages import Stage
from llmtrain_api.status import Progress, StageStatus, by_stage
from llmtrain_cli.report.reading import Unavailable
from llmtrain_cli.report.sources import Run, Sources
from llmtrain_cli.text import amount, bandwidth, short_duration
from llmtrain_lifecycle.status_text import read_time
from llmtrain_planner.architecture import PlanError
from llmtrain_planner.plan import PlanOptions, plan_job


@dataclass(frozen=True)
class Figure:
    """A headline figure."""

    label: str
    value: str


@dataclass(frozen=True)
class StageRow:
    """A row in the table of stages."""

    name: str
    state: str
    attempts: int
    took: str
    """Time from the first attempt to the end; empty while the stage runs."""
    message: str
    """Reason why the stage failed or waits, or else its warnings, one on a line."""


@dataclass(frozen=True)
class PlanRow:
    """A quantity as planned and as measured."""

    stage: str
    quantity: str
    planned: str
    came: str


def headline(sources: Sources) -> tuple[Figure, ...]:
    """The known headline figures, the most important first."""
    figures = []
    if not isinstance(sources.evaluation, Unavailable) and sources.evaluation.results:
        last = sources.evaluation.results[-1].model
        figures += [
            Figure(f"bits per byte, {last}", f"{result.value:.3f}")
            for result in sources.evaluation.results
            if result.name == "bitsPerByte" and result.model == last
        ]
    if not isinstance(sources.run, Unavailable):
        if took := _took(sources.run.status.start_time, sources.run.status.completion_time):
            figures.append(Figure("time", took))
        if sources.run.status.cost is not None:
            figures.append(Figure("cost", f"{sources.run.status.cost.spent_usd} USD"))
        if sources.run.status.goodput is not None:
            share = sources.run.status.goodput.runtime_ratio
            figures.append(Figure("goodput", f"{share:.0%}"))
        figures += _links(sources.run.status.progress)
        for stage, done in _trained(sources.run, sources).items():
            figures.append(Figure(f"tokens, {stage}", amount(done.tokens)))
            if done.seconds:
                speed = f"{amount(done.tokens / done.seconds)}/s"
                figures.append(Figure(f"speed, {stage}", speed))
    return tuple(figures)


def _links(progress: Progress | None) -> list[Figure]:
    """Figures of the links between workers, where they were measured."""
    if progress is None or progress.bus_bandwidth is None:
        return []
    slowest = bandwidth(progress.slowest_link_bandwidth or 0)
    if progress.slowest_rank is not None:
        slowest += f", rank {progress.slowest_rank} on {progress.slowest_node}"
    return [
        Figure("bus bandwidth", bandwidth(progress.bus_bandwidth)),
        Figure("slowest link", slowest),
    ]


def stage_rows(run: Run) -> tuple[StageRow, ...]:
    """One row for each stage of the job."""
    return tuple(_stage_row(run.status.stage(stage)) for stage in run.job.spec.stages)


def plan_rows(run: Run, sources: Sources) -> tuple[PlanRow, ...] | Unavailable:
    """The plan of the manifest beside the results in the workspace."""
    try:
        counted = by_stage(run.status.plan.counted_tokens) if run.status.plan else {}
        plan = plan_job(run.job.spec, PlanOptions(counted_tokens=counted))
    except PlanError as error:
        return Unavailable(f"the job cannot be planned without more facts: {error}")
    done = _trained(run, sources)
    rows = []
    for stage in plan.stages:
        if stage.stage.makes_new_model and plan.model:
            saved = sources.parameters[stage.stage]
            came = "" if isinstance(saved, Unavailable) else f"{saved:,}"
            planned = f"{plan.model.parameters:,}"
            rows.append(PlanRow(stage.stage.value, "parameters", planned, came))
        rows += _training_rows(stage, done.get(stage.stage))
    return tuple(rows)


@dataclass(frozen=True)
class _Trained:
    """Work of a training stage, without lost work."""

    steps: int
    tokens: int
    seconds: float
    """Time in optimizer steps alone."""
    micro_batch_size: int | None
    """Sequences in a forward pass of the newest step."""


def _trained(run: Run, sources: Sources) -> dict[Stage, _Trained]:
    found = {}
    for stage, training in run.job.spec.trainings.items():
        records = sources.steps[stage]
        if isinstance(records, Unavailable):
            continue
        steps = _newest_of_each_step(records)
        if steps:
            seconds = sum(record.seconds or 0 for record in steps.values())
            size = steps[max(steps)].micro_batch_size
            found[stage] = _Trained(len(steps), len(steps) * training.batch_tokens, seconds, size)
    return found


def _newest_of_each_step(records: tuple[StepRecord, ...]) -> dict[int, StepRecord]:
    return {record.step: record for record in records if record.loss is not None}


def _training_rows(stage: StagePlan, done: _Trained | None) -> list[PlanRow]:
    flops = stage.flops_per_token * done.tokens if done else None
    size = f"{stage.micro_batch_size:,}"
    pairs = (
        ("steps", _whole(stage.steps), _whole(done.steps if done else None)),
        ("tokens", _whole(stage.tokens), _whole(done.tokens if done else None)),
        ("FLOPs", _scientific(stage.flops), _scientific(flops)),
        (
            "micro batch",
            f"auto (planned: {size})" if stage.finds_micro_batch_size else size,
            _whole(done.micro_batch_size if done else None),
        ),
        ("time in steps", _time(stage.duration_seconds), _time(done.seconds if done else None)),
    )
    return [PlanRow(stage.stage.value, *pair) for pair in pairs]


def _stage_row(stage: StageStatus) -> StageRow:
    return StageRow(
        name=stage.name.value,
        state=stage.state.value,
        attempts=stage.run.next_attempt,
        took=_took(stage.start_time, stage.completion_time),
        message=stage.run.message or "",
    )


def _took(start: str | None, end: str | None) -> str:
    if not start or not end:
        return ""
    return short_duration((read_time(end) - read_time(start)).total_seconds())


def _whole(number: int | None) -> str:
    return "" if number is None else f"{number:,}"


def _scientific(number: float | None) -> str:
    return "" if number is None else f"{number:.3g}"


def _time(seconds: float | None) -> str:
    return "" if seconds is None else short_duration(seconds)
