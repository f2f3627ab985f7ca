"""One job: how far it is, how it learns, what it costs."""

from collections.abc import Iterator

from dashboards.panels import NAMESPACE, Board, Panel, Query, Row, Variable
from llmtrain_api.progress import ProgressReport
from llmtrain_api.training_metrics import metric_fields

_JOB = 'namespace="$namespace",name="$name"'


def _of_driver(metric: str) -> Query:
    """Panels of the attempt that runs, every few seconds."""
    return Query(f"{metric}{{{_JOB}}}", "{{stage}}")


def _measured(row: str) -> Iterator[Panel]:
    """The panels that metrics of a stage ask for under a heading."""
    for each in metric_fields(ProgressReport):
        panel = each.metric.panel
        if panel is None or panel.row != row:
            continue
        queries = [_of_driver(f"llmtrain_driver_{each.name}")] if each.metric.driver else []
        if each.metric.job:
            queries.append(Query(f"llmtrain_job_{each.name}{{{_JOB}}}", "status"))
        description = f"{each.help} {panel.note}".strip()
        yield Panel(panel.title, description, panel.unit, tuple(queries))


_NOW = Row(
    "Now",
    (
        Panel(
            "Stages",
            "State of each stage of the pipeline.",
            "short",
            (Query(f"llmtrain_job_stage_state{{{_JOB}}}", "{{stage}}: {{state}}"),),
            kind="stat",
            width=12,
        ),
        Panel(
            "Progress",
            "Progress of the pipeline; its stages are weighted by their planned FLOPs.",
            "percentunit",
            (Query(f"llmtrain_job_progress_ratio{{{_JOB}}}", "done"),),
            kind="stat",
            width=3,
        ),
        Panel(
            "Time left",
            "Time until the end of the pipeline, by the job's real speed.",
            "s",
            (Query(f"llmtrain_job_eta_seconds{{{_JOB}}}", "left"),),
            kind="stat",
            width=3,
        ),
        Panel(
            "Last sign of work",
            "How long ago the stage that runs has shown that it works.",
            "s",
            (Query(f"time() - llmtrain_job_heartbeat_timestamp_seconds{{{_JOB}}}", "ago"),),
            kind="stat",
            width=3,
        ),
        Panel(
            "Why",
            "The reason of the job's conditions, and how the last attempt of a stage ended;"
            " docs/troubleshooting.md explains each.",
            "short",
            (
                Query(
                    f"llmtrain_job_reason{{{_JOB}}} or llmtrain_job_stage_reason{{{_JOB}}}",
                    "{{reason}} {{stage}}",
                ),
            ),
            kind="stat",
            width=3,
        ),
        Panel(
            "Stage line",
            "Which stage was in which state, over time.",
            "short",
            (Query(f"llmtrain_job_stage_state{{{_JOB}}}", "{{stage}} {{state}}"),),
            kind="timeline",
            width=24,
        ),
    ),
)
_CORPUS = "(documents|bytes|rows)/.*"
"""Values that the data stage logs."""
_DATA = Row(
    "Data",
    (
        Panel(
            "Documents",
            "Documents that the data stage has read, that each step dropped, and that are kept;"
            " the job's report shows why.",
            "short",
            (
                Query(
                    f'llmtrain_driver_scalar{{{_JOB}, metric=~"(documents|rows)/.*"}}', "{{metric}}"
                ),
            ),
        ),
        Panel(
            "Text",
            "UTF-8 text that the data stage has read, and that is kept.",
            "bytes",
            (Query(f'llmtrain_driver_scalar{{{_JOB}, metric=~"bytes/.*"}}', "{{metric}}"),),
        ),
    ),
)
_LEARNING = Row(
    "Learning",
    (
        *_measured("Learning"),
        Panel(
            "Other values",
            "Values that the stage logs under names of their own.",
            "short",
            (Query(f'llmtrain_driver_scalar{{{_JOB}, metric!~"{_CORPUS}"}}', "{{metric}}"),),
        ),
        Panel(
            "Evaluation",
            "Results of the evaluate stage, for each model of the pipeline.",
            "short",
            (
                Query(f"llmtrain_job_evaluation_result{{{_JOB}}}", "{{model}} {{metric}}"),
                Query(
                    f"llmtrain_job_evaluation_standard_error{{{_JOB}}}",
                    "± {{model}} {{metric}}",
                ),
            ),
            kind="table",
            width=16,
        ),
    ),
)
_SPEED = Row(
    "Speed",
    (
        *_measured("Speed"),
        Panel(
            "Model FLOPs utilization",
            "Share of the GPUs' peak (Chowdhery et al. 2022, appendix B), beside what the plan"
            " assumes. Absent on hardware of unknown peak.",
            "percentunit",
            (
                _of_driver("llmtrain_driver_mfu_ratio"),
                Query(f"llmtrain_job_mfu_ratio{{{_JOB}}}", "status"),
                Query(f"llmtrain_job_planned_mfu_ratio{{{_JOB}}}", "plan"),
            ),
        ),
        Panel(
            "Time by part",
            "Activity of the running attempt in each second.",
            "percentunit",
            (
                Query(
                    f"rate(llmtrain_driver_time_seconds_total{{{_JOB}}}[$__rate_interval])",
                    "{{bucket}}",
                ),
            ),
            stacked=True,
        ),
        Panel(
            "Steps",
            "Optimizer steps done, and the newest committed checkpoint: what lies between them is"
            " lost if a node dies.",
            "short",
            (
                _of_driver("llmtrain_driver_step"),
                Query(f"llmtrain_driver_checkpoint_step{{{_JOB}}}", "checkpoint"),
            ),
        ),
        Panel(
            "Age of the newest checkpoint",
            "Since it was committed.",
            "s",
            (Query(f"time() - llmtrain_driver_checkpoint_timestamp_seconds{{{_JOB}}}", "age"),),
        ),
    ),
)
_MONEY = Row(
    "Money",
    (
        Panel(
            "Spent, forecast, budget",
            "What the job has cost, what it will have cost at its end by its real speed, what the"
            " plan expects of training, and what it may cost.",
            "currencyUSD",
            (
                Query(f"llmtrain_job_spent_usd{{{_JOB}}}", "spent"),
                Query(f"llmtrain_job_forecast_usd{{{_JOB}}}", "forecast"),
                Query(f"llmtrain_job_planned_usd{{{_JOB}}}", "plan"),
                Query(f"llmtrain_job_budget_usd{{{_JOB}}}", "budget"),
            ),
            width=12,
        ),
        Panel(
            "Price",
            "US dollars an hour of all Pods of the job.",
            "currencyUSD",
            (Query(f"llmtrain_job_price_usd_per_hour{{{_JOB}}}", "USD/h"),),
            width=6,
        ),
        Panel(
            "Wasted",
            "Lost work, starts after a failure, and waiting with Pods.",
            "currencyUSD",
            (Query(f"llmtrain_job_wasted_usd{{{_JOB}}}", "wasted"),),
            width=6,
        ),
        Panel(
            "Cost by stage",
            "What each stage has cost.",
            "currencyUSD",
            (Query(f"llmtrain_job_stage_cost_usd{{{_JOB}}}", "{{stage}}"),),
            kind="bars",
        ),
        Panel(
            "Cost by kind of machine",
            "On demand and spot.",
            "currencyUSD",
            (Query(f"llmtrain_job_capacity_cost_usd{{{_JOB}}}", "{{capacity_type}}"),),
            kind="bars",
        ),
        Panel(
            "Per million tokens",
            "Of the stage that trains first.",
            "currencyUSD",
            (Query(f"llmtrain_job_usd_per_million_tokens{{{_JOB}}}", "USD"),),
            kind="stat",
        ),
    ),
)
_TIME = Row(
    "Time",
    (
        Panel(
            "Where the time went",
            "Every second of the job is in one bucket; docs/goodput.md defines each.",
            "s",
            (Query(f"llmtrain_job_time_seconds{{{_JOB}}}", "{{bucket}}"),),
            kind="bars",
            width=12,
        ),
        Panel(
            "Goodput",
            "Share of productive time: of the time with compute, and of the whole.",
            "percentunit",
            (Query(f"llmtrain_job_goodput_ratio{{{_JOB}}}", "{{of}}"),),
            width=6,
        ),
        Panel(
            "Failed attempts",
            "By class: whose fault it was, and so which of the retries it used up.",
            "short",
            (Query(f"llmtrain_job_failures_total{{{_JOB}}}", "{{class}}"),),
            width=6,
        ),
    ),
)

JOB = Board(
    uid="llmtrain-job",
    title="llmtrain / job",
    description="For whoever trains: how far the job is, how it learns, what it costs.",
    variables=(
        Variable("namespace", NAMESPACE.label, NAMESPACE.query),
        Variable("name", "Job", 'label_values(llmtrain_job_info{namespace="$namespace"}, name)'),
    ),
    rows=(_NOW, _DATA, _LEARNING, _SPEED, _MONEY, _TIME),
)
