"""The operator itself: whether it gets to its jobs."""

from dashboards.panels import Board, Panel, Query, Row

_PASSES = "llmtrain_operator_reconcile_duration_seconds"


def _quantile(share: float) -> Query:
    rate = f"rate({_PASSES}_bucket[$__rate_interval])"
    return Query(f"histogram_quantile({share}, sum by (le) ({rate}))", f"p{share * 100:g}")


OPERATOR = Board(
    uid="llmtrain-operator",
    title="llmtrain / operator",
    description="For whoever runs the operator: whether it gets to its jobs.",
    variables=(),
    rows=(
        Row(
            "Operator",
            (
                Panel(
                    "Version",
                    "Of the operator that is read.",
                    "short",
                    (Query("llmtrain_operator_build_info", "{{version}}"),),
                    kind="stat",
                    width=4,
                ),
                Panel(
                    "Jobs",
                    "All jobs that it watches, by phase.",
                    "short",
                    (Query("llmtrain_operator_jobs", "{{phase}}"),),
                    kind="stat",
                    width=12,
                ),
                Panel(
                    "Queue",
                    "Jobs that wait for a pass, and how long the first of them has waited.",
                    "short",
                    (
                        Query("llmtrain_operator_queue_jobs", "jobs"),
                        Query("llmtrain_operator_queue_oldest_seconds", "oldest, s"),
                    ),
                ),
                Panel(
                    "Passes",
                    "How long a pass takes: most of it is waiting for the API server and for Ray.",
                    "s",
                    (_quantile(0.5), _quantile(0.99)),
                ),
                Panel(
                    "Passes per second",
                    "How many passes are made.",
                    "short",
                    (Query(f"rate({_PASSES}_count[$__rate_interval])", "passes"),),
                ),
                Panel(
                    "Failed passes",
                    "Per second, by the error; each pass is made again.",
                    "short",
                    (
                        Query(
                            "rate(llmtrain_operator_reconcile_errors_total[$__rate_interval])",
                            "{{kind}}",
                        ),
                    ),
                ),
                Panel(
                    "Requests to the API server",
                    "Per second, by method and answer; 0 is no answer.",
                    "short",
                    (
                        Query(
                            "rate(llmtrain_operator_api_requests_total[$__rate_interval])",
                            "{{method}} {{code}}",
                        ),
                    ),
                ),
                Panel(
                    "Watch events",
                    "Per second, by what they are about.",
                    "short",
                    (
                        Query(
                            "rate(llmtrain_operator_watch_events_total[$__rate_interval])",
                            "{{kind}}",
                        ),
                    ),
                ),
                Panel(
                    "Age of what is known",
                    "Since each watch has told something, and since the last look at everything.",
                    "s",
                    (
                        Query("llmtrain_operator_watch_age_seconds", "{{kind}}"),
                        Query("llmtrain_operator_resync_age_seconds", "resync"),
                    ),
                ),
            ),
        ),
    ),
)
