"""All jobs: what runs, what it costs, what is wasted."""

from dashboards.panels import NAMESPACE, Board, Panel, Query, Row

_IN = 'namespace=~"$namespace"'
_EACH = "{{namespace}}/{{name}}"
_TIME = "llmtrain_job_time_seconds"

FLEET = Board(
    uid="llmtrain-fleet",
    title="llmtrain / fleet",
    description="For whoever runs the cluster: all jobs, their compute and their money.",
    variables=(NAMESPACE,),
    rows=(
        Row(
            "Now",
            (
                Panel(
                    "Jobs by phase",
                    "How many jobs are in each phase.",
                    "short",
                    (Query(f"sum by (phase) (llmtrain_job_phase{{{_IN}}})", "{{phase}}"),),
                    kind="stat",
                    width=10,
                ),
                Panel(
                    "Spending",
                    "What all Pods of all jobs cost by the hour, now.",
                    "currencyUSD",
                    (Query(f"sum(llmtrain_job_price_usd_per_hour{{{_IN}}})", "USD/h"),),
                    kind="stat",
                    width=4,
                ),
                Panel(
                    "GPUs held",
                    "Of all jobs' clusters but those that wait in a queue, or for room.",
                    "short",
                    (Query(f"sum(llmtrain_job_gpus{{{_IN}}})", "GPUs"),),
                    kind="stat",
                    width=3,
                ),
                Panel(
                    "Goodput",
                    "Share of the time with compute that went into work that was kept.",
                    "percentunit",
                    (
                        Query(
                            f'sum({_TIME}{{{_IN},bucket="productive"}})'
                            f' / sum({_TIME}{{{_IN},bucket!~"queued|suspended"}})',
                            "goodput",
                        ),
                    ),
                    kind="stat",
                    width=3,
                ),
                Panel(
                    "Wasted",
                    "What lost work, starts after a failure and waiting with Pods have cost.",
                    "currencyUSD",
                    (Query(f"sum(llmtrain_job_wasted_usd{{{_IN}}})", "wasted"),),
                    kind="stat",
                    width=4,
                ),
            ),
        ),
        Row(
            "Money",
            (
                Panel(
                    "Spending by namespace",
                    "US dollars an hour, by who spends them.",
                    "currencyUSD",
                    (
                        Query(
                            f"namespace:llmtrain_price_usd_per_hour:sum{{{_IN}}}", "{{namespace}}"
                        ),
                    ),
                    width=12,
                    stacked=True,
                ),
                Panel(
                    "Spent per day",
                    "Cost of the last 24 hours: the sum of every minute's price.",
                    "currencyUSD",
                    (
                        Query(
                            "sum by (namespace) (sum_over_time("
                            f"namespace:llmtrain_price_usd_per_hour:sum{{{_IN}}}[1d:1m])) / 60",
                            "{{namespace}}",
                        ),
                    ),
                    width=12,
                ),
                Panel(
                    "Top spenders",
                    "The jobs that have cost the most, of those that are there. A click opens one.",
                    "currencyUSD",
                    (Query(f"topk(10, llmtrain_job_spent_usd{{{_IN}}})", _EACH),),
                    kind="bars",
                    width=12,
                    opens_jobs=True,
                ),
                Panel(
                    "Most wasted",
                    "The jobs with the most wasted money. A click opens one.",
                    "currencyUSD",
                    (Query(f"topk(10, llmtrain_job_wasted_usd{{{_IN}}})", _EACH),),
                    kind="bars",
                    width=12,
                    opens_jobs=True,
                ),
            ),
        ),
        Row(
            "Work",
            (
                Panel(
                    "GPUs by namespace",
                    "Of all jobs' clusters but those that wait in a queue, or for room.",
                    "short",
                    (Query(f"namespace:llmtrain_gpus:sum{{{_IN}}}", "{{namespace}}"),),
                    stacked=True,
                ),
                Panel(
                    "Time by bucket",
                    "Where the time of all jobs goes: seconds of each kind in a second.",
                    "short",
                    (
                        Query(
                            f"sum by (bucket) (deriv(llmtrain_job_time_seconds{{{_IN}}}[10m]))",
                            "{{bucket}}",
                        ),
                    ),
                    stacked=True,
                ),
                Panel(
                    "Failed attempts",
                    "Attempts that failed within the hour, by class.",
                    "short",
                    (
                        Query(
                            f"sum by (class) (increase(llmtrain_job_failures_total{{{_IN}}}[1h]))",
                            "{{class}}",
                        ),
                    ),
                    stacked=True,
                ),
                Panel(
                    "Jobs",
                    "How far each job is. A click opens one.",
                    "percentunit",
                    (Query(f"llmtrain_job_progress_ratio{{{_IN}}}", _EACH),),
                    kind="table",
                    width=24,
                    opens_jobs=True,
                ),
            ),
        ),
    ),
)
