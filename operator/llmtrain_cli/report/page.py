"""Renders the report of a workspace as HTML."""

import json
from functools import partial

from jinja2 import Environment, PackageLoader, StrictUndefined

from llmtrain_api.status import Phase
from llmtrain_cli.report.reading import Unavailable
from llmtrain_cli.report.sources import Run, Sources
from llmtrain_cli.report.views.bill import Line, bill_lines
from llmtrain_cli.report.views.corpus import group_tables, histogram_tables, source_rows
from llmtrain_cli.report.views.curves import Chart, charts
from llmtrain_cli.report.views.funnel import funnel
from llmtrain_cli.report.views.mixture import mixtures
from llmtrain_cli.report.views.summary import headline, plan_rows, stage_rows
from llmtrain_cli.report.views.timeline import Timeline, timeline


def render(sources: Sources) -> str:
    """The whole page. Content of the workspace is always escaped."""
    environment = Environment(
        loader=PackageLoader("llmtrain_cli.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.tests["missing"] = lambda part: isinstance(part, Unavailable)
    run, data = sources.run, sources.data
    environment.globals["has"] = partial(_has, run)
    return environment.get_template("page.html.j2").render(
        sources=sources,
        phase="unknown" if isinstance(run, Unavailable) else run.status.phase.value,
        going_on=not isinstance(run, Unavailable) and run.is_going_on,
        why="" if isinstance(run, Unavailable) else _why(run),
        figures=headline(sources),
        stages=run if isinstance(run, Unavailable) else stage_rows(run),
        plan=run if isinstance(run, Unavailable) else plan_rows(run, sources),
        charts=_charts(sources),
        mixtures=mixtures(sources),
        timeline=_timeline(run),
        bill=_bill(run),
        funnel=data if isinstance(data, Unavailable) else funnel(data),
        by_source=data if isinstance(data, Unavailable) else source_rows(data),
        groups=data if isinstance(data, Unavailable) else group_tables(data),
        histograms=data if isinstance(data, Unavailable) else histogram_tables(data),
        manifest=run if isinstance(run, Unavailable) else _manifest(run),
    )


def _has(run: Run | Unavailable, stage: str) -> bool:
    """Whether the job has a stage, or may have it, where the job is unknown."""
    return isinstance(run, Unavailable) or stage in {each.value for each in run.job.spec.stages}


def _why(run: Run) -> str:
    """Reason why a job has stopped; empty if it runs or has succeeded."""
    if run.status.phase not in {Phase.SUSPENDED, Phase.FAILED}:
        return ""
    return next((c.message for c in run.status.conditions if c.type == run.status.phase.value), "")


def _timeline(run: Run | Unavailable) -> Timeline | Unavailable:
    if isinstance(run, Unavailable):
        return run
    goodput = run.status.goodput
    known = goodput is not None and goodput.intervals and goodput.seconds.total
    return (
        timeline(goodput) if goodput and known else Unavailable("nobody has measured its time yet")
    )


def _bill(run: Run | Unavailable) -> tuple[Line, ...] | Unavailable:
    if isinstance(run, Unavailable):
        return run
    if run.status.cost is None:
        return Unavailable("no price is known; llmtrain run --price-per-hour says one")
    return bill_lines(run.status.cost, ended=run.status.phase.terminal)


def _charts(sources: Sources) -> dict[str, tuple[Chart, ...] | Unavailable]:
    if isinstance(sources.run, Unavailable):
        return {}
    found: dict[str, tuple[Chart, ...] | Unavailable] = {}
    for stage, training in sources.run.job.spec.trainings.items():
        records = sources.steps[stage]
        found[stage.value] = (
            records
            if isinstance(records, Unavailable)
            else charts(stage.value, records, batch_tokens=training.batch_tokens)
        )
    return found


def _manifest(run: Run) -> str:
    document = run.job.model_dump(mode="json", by_alias=True, exclude_unset=True)
    return json.dumps(document, indent=2)
