"""The band of time in the report is the whole of a job's life, however long that was."""

import re

from support.report_workspace import long_run, run

from llmtrain_api.goodput import Activity, Goodput, Interval, Seconds
from llmtrain_cli.report.sources import Run
from llmtrain_cli.report.views.timeline import timeline


def _goodput(run: Run) -> Goodput:
    assert run.status.goodput is not None
    return run.status.goodput


def _rectangles(drawing: str) -> list[tuple[float, float, str]]:
    """Place, width and words of each, in percent."""
    found = re.findall(
        r'<rect x="([\d.]+)%" width="([\d.]+)%"[^>]*><title>(.*?)</title>', drawing, re.DOTALL
    )
    return [(float(x), float(width), words) for x, width, words in found]


def test_pieces_lie_beside_one_another_from_end_to_end() -> None:
    for each in (run(), long_run()):
        place = 0.0
        for x, width, _ in _rectangles(timeline(_goodput(each)).drawing):
            assert abs(x - place) < 0.01
            place = x + width
        assert abs(place - 100) < 0.01


def test_what_lies_before_the_newest_stretches_is_drawn_first_and_said() -> None:
    drawn = timeline(_goodput(long_run()))
    assert drawn.earlier == "40 h 0 min"
    first = _rectangles(drawn.drawing)[0]
    assert first == (0.0, 4.0, "before: queued, 2 h 0 min")
    assert '<line class="until" x1="80%"' in drawn.drawing
    assert timeline(_goodput(run())).earlier == ""
    assert "<line" not in timeline(_goodput(run())).drawing


def test_a_life_that_fits_in_one_instant_can_be_drawn() -> None:
    moment = "2026-01-31T12:00:00Z"
    only = Interval(activity=Activity.QUEUED, start=moment, end=moment, seconds=Seconds())
    goodput = Goodput(observed_time=moment, seconds=Seconds(), intervals=(only,))
    assert _rectangles(timeline(goodput).drawing) == []
    assert timeline(goodput).shares == ()
