"""From our panels to Grafana's JSON, by its own library."""

from collections.abc import Callable, Iterator
from typing import Any

from grafana_foundation_sdk.builders import (
    bargauge,
    common,
    dashboard,
    prometheus,
    stat,
    statetimeline,
    table,
    timeseries,
)
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.common import BigValueTextMode, StackingMode
from grafana_foundation_sdk.models.dashboard import (
    DashboardCursorSync,
    DashboardLinkType,
    DataSourceRef,
    DynamicConfigValue,
    GridPos,
    VariableRefresh,
)
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

from dashboards.panels import Board, Panel, Query, Row, Variable

_SOURCE = DataSourceRef(type_val="prometheus", uid="${datasource}")
_HEIGHTS = {"stat": 4, "timeline": 6}
_HEIGHT = 8
_COLUMNS = 24
_JOB_BOARD = "/d/llmtrain-job?${datasource:queryparam}&${__url_time_range}"
_LABELS = {"table": "__data.fields", "bars": "__field.labels"}
"""Where Grafana keeps the labels of what was clicked on."""
_KINDS: dict[str, Callable[[], Any]] = {
    "stat": stat.Panel,
    "timeseries": timeseries.Panel,
    "bars": bargauge.Panel,
    "table": table.Panel,
    "timeline": statetimeline.Panel,
}


def render(board: Board) -> str:
    """The dashboard's JSON."""
    built = (
        dashboard.Dashboard(board.title)
        .uid(board.uid)
        .description(board.description)
        .tags(["llmtrain"])
        .refresh("30s")
        .time("now-6h", "now")
        .tooltip(DashboardCursorSync.CROSSHAIR)
        .readonly()
        .with_variable(
            dashboard.DatasourceVariable("datasource").label("Data source").type("prometheus")
        )
        .link(
            dashboard.DashboardLink("llmtrain")
            .type(DashboardLinkType.DASHBOARDS)
            .tags(["llmtrain"])
            .as_dropdown(as_dropdown=True)
            .keep_time(keep_time=True)
            .include_vars(include_vars=True)
        )
    )
    for variable in board.variables:
        built = built.with_variable(_variable(variable))
    for item in _placed(board.rows):
        built = built.with_row(item) if isinstance(item, dashboard.Row) else built.with_panel(item)
    return JSONEncoder(sort_keys=True, indent=2).encode(_without_strangers(built.build())) + "\n"


def _without_strangers(board: Any) -> Any:  # noqa: ANN401 - the library's classes are untyped
    """Take off what the library adds by itself, and Grafana's own types do not know."""
    for variable in board.templating.list_val:
        variable.auto = variable.auto_min = variable.auto_count = None  # of an interval alone
    for panel in board.panels:
        if panel.type_val == "table":
            panel.options.footer = None
    return board


def _variable(variable: Variable) -> dashboard.QueryVariable:
    return (
        dashboard.QueryVariable(variable.name)
        .label(variable.label)
        .datasource(_SOURCE)
        .query(variable.query)
        .refresh(VariableRefresh.ON_TIME_RANGE_CHANGED)
        .include_all(variable.every)
        .multi(variable.every)
    )


def _placed(rows: tuple[Row, ...]) -> Iterator[Any]:
    """Rows and panels from left to right and from top to bottom."""
    top, number = 0, 0
    for row in rows:
        number += 1
        place = GridPos(h=1, w=_COLUMNS, x=0, y=top)
        yield dashboard.Row(row.title).id(number).grid_pos(place)
        top, left, tallest = top + 1, 0, 0
        for panel in row.panels:
            height = _HEIGHTS.get(panel.kind, _HEIGHT)
            if left + panel.width > _COLUMNS:
                top, left, tallest = top + tallest, 0, 0
            number += 1
            place = GridPos(h=height, w=panel.width, x=left, y=top)
            yield _panel(panel).id(number).grid_pos(place)
            left, tallest = left + panel.width, max(tallest, height)
        top += tallest


def _panel(panel: Panel) -> Any:  # noqa: ANN401 - each kind has a builder of its own
    built = (
        _KINDS[panel.kind]()
        .title(panel.title)
        .description(panel.description)
        .unit(panel.unit)
        .datasource(_SOURCE)
    )
    instant = panel.kind in {"stat", "bars", "table"}
    for number, query in enumerate(panel.queries):
        target = _target(query, chr(ord("A") + number), instant=instant)
        as_table = panel.kind == "table"
        built = built.with_target(target.format(PromQueryFormat.TABLE) if as_table else target)
    if panel.kind in {"stat", "bars"}:
        built = built.reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
    match panel.kind:
        case "timeseries":
            built = built.fill_opacity(10).show_points("never")
            if panel.stacked:
                built = built.stacking(common.StackingConfig().mode(StackingMode.NORMAL))
        case "stat" if any("{{" in query.legend for query in panel.queries):
            built = built.text_mode(BigValueTextMode.VALUE_AND_NAME)
        case _:
            pass
    if panel.opens_jobs:
        links = [{"title": "Open the job", "url": _job_url(_LABELS[panel.kind])}]
        built = built.override_by_regexp("/.*/", [DynamicConfigValue("links", links)])
    return built


def _job_url(labels: str) -> str:
    wanted = "".join(f"&var-{label}=${{{labels}.{label}}}" for label in ("namespace", "name"))
    return _JOB_BOARD + wanted


def _target(query: Query, ref: str, *, instant: bool) -> prometheus.Dataquery:
    target = (
        prometheus.Dataquery().expr(query.expr).ref_id(ref).legend_format(query.legend or "__auto")
    )
    return target.instant() if instant else target.range()
