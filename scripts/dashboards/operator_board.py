"""The operator itself: whether it gets to its jobs."""

from dashboards.panels import Board, Panel, Query, Row

_RECONCILES = "llmtrain_operator_reconcile_duration_seconds"


def _quantile(share: float) -> Query:
    rate = f"rate({_RECONCILES}_bucket[$__rate_interval])"
    return Query(f"histogram_quantile({share}, sum by (le) ({rate}))", f"p{share * 100:g}")


OPERATOR = Board(
    uid="llmtrain-operator",
    title="llmtrain / operator",
    description="Health of the operator.",
    variables=(),
    rows=(
        Row(
            "Operator",
            (
                Panel(
                    "Version",
                    "Version of the operator.",
                    "short",
                    (Query("llmtrain_operator_build_info", "{{version}}"),),
                    kind="stat",
                    width=4,
                ),
                Panel(
                    "Jobs",
                    "All watched jobs, by phase.",
                    "short",
                    (Query("llmtrain_operator_jobs", "{{phase}}"),),
                    kind="stat",
                    width=12,
                ),
                Panel(
                    "Queue",
                    "Jobs that wait for a reconcile, and the longest wait.",
                    "short",
                    (
                        Query("llmtrain_operator_queue_jobs", "jobs"),
                        Query("llmtrain_operator_queue_oldest_seconds", "oldest, s"),
                    ),
                ),
                Panel(
                    "Reconciles",
                    "Duration of a reconcile: mostly waiting for the API server and Ray.",
                    "s",
                    (_quantile(0.5), _quantile(0.99)),
                ),
                Panel(
                    "Reconciles per second",
                    "Number of reconciles.",
                    "short",
                    (Query(f"rate({_RECONCILES}_count[$__rate_interval])", "reconciles"),),
                ),
                Panel(
                    "Failed reconciles",
                    "Per second, by error; each is repeated.",
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
                    "Per second, by kind of object.",
                    "short",
                    (
                        Query(
                            "rate(llmtrain_operator_watch_events_total[$__rate_interval])",
                            "{{kind}}",
                        ),
                    ),
                ),
                Panel(
                    "Age of the newest event",
                    "Time since each watch's newest event, and since the last resync.",
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
