"""What a dashboard is made of, before Grafana's library makes JSON of it."""

from dataclasses import dataclass
from typing import Literal

Kind = Literal["stat", "timeseries", "bars", "table", "timeline"]


@dataclass(frozen=True)
class Query:
    """A query and the name of its series.

    Attributes:
        expr: PromQL.
        legend: with labels in double braces.
    """

    expr: str
    legend: str = ""


@dataclass(frozen=True)
class Panel:
    """One panel.

    Attributes:
        title: title of the panel.
        description: what it shows and what to make of it.
        unit: in Grafana's words: `currencyUSD`, `s`, `percentunit`, `short`.
        queries: at least one.
        kind: kind of panel.
        width: width in columns, of 24.
        stacked: whether series lie on one another.
        opens_jobs: whether a click on what is shown leads to the dashboard of its job.
    """

    title: str
    description: str
    unit: str
    queries: tuple[Query, ...]
    kind: Kind = "timeseries"
    width: int = 8
    stacked: bool = False
    opens_jobs: bool = False


@dataclass(frozen=True)
class Row:
    """Panels under one heading."""

    title: str
    panels: tuple[Panel, ...]


@dataclass(frozen=True)
class Variable:
    """What a person chooses at the top of a dashboard.

    Attributes:
        name: as queries use it.
        label: for people.
        query: in the language of Grafana's Prometheus data source.
        every: whether all may be chosen at once.
    """

    name: str
    label: str
    query: str
    every: bool = False


@dataclass(frozen=True)
class Board:
    """One dashboard.

    Attributes:
        uid: stable, for links.
        title: title of the dashboard.
        description: users of the dashboard and their questions.
        variables: in order.
        rows: from top to bottom.
    """

    uid: str
    title: str
    description: str
    variables: tuple[Variable, ...]
    rows: tuple[Row, ...]


NAMESPACE = Variable(
    "namespace", "Namespace", "label_values(llmtrain_job_info, namespace)", every=True
)
