"""The bill in the report can be worked out again by hand: hours, price, and what they come to."""

from decimal import Decimal

from support.report_workspace import long_run, run

from llmtrain_api.cost import Cost
from llmtrain_cli.report.sources import Run
from llmtrain_cli.report.views.bill import Line, bill_lines


def _cost(run: Run) -> Cost:
    assert run.status.cost is not None
    return run.status.cost


def _lines(run: Run) -> dict[str, Line]:
    return {line.what: line for line in bill_lines(_cost(run), ended=run.status.phase.terminal)}


def test_pods_that_have_ended_show_their_hours_and_their_price() -> None:
    lines = _lines(run())
    assert lines["data, on demand"] == Line(
        "data, on demand", "0.34", hours="0.3400", usd_per_hour="1.00"
    )
    assert lines["pretrain, spot"] == Line(
        "pretrain, spot", "12.00", hours="4.00", usd_per_hour="3.00"
    )
    assert lines["spent"].usd == "12.34"
    assert [what for what, line in lines.items() if line.is_sum] == ["spent"]


def test_pods_at_work_show_theirs_and_since_when() -> None:
    assert _lines(long_run())["trainers, spot"] == Line(
        "trainers, spot",
        "491.60",
        hours="40.00",
        usd_per_hour="12.29",
        note="4 Pods since 2026-02-02 04:00 UTC",
    )


def test_the_lines_of_pods_come_to_what_was_spent() -> None:
    for each in (run(), long_run()):
        lines = bill_lines(_cost(each), ended=False)
        assert sum(Decimal(line.usd) for line in lines if line.hours) == _cost(each).spent_usd


def test_the_forecast_of_a_running_job_is_shown() -> None:
    assert _lines(long_run())["at the end"].usd == "700.00"
    assert "at the end" not in {line.what for line in bill_lines(_cost(long_run()), ended=True)}


def test_stages_are_summed_up_where_they_are_more_than_one_line() -> None:
    assert _lines(long_run())["of it pretrain"].usd == "503.60"
    assert "of it pretrain" not in _lines(run())
