"""All dashboards, and where the chart keeps them."""

from collections.abc import Callable
from functools import partial

from dashboards.fleet import FLEET
from dashboards.grafana import render
from dashboards.job import JOB
from dashboards.operator_board import OPERATOR

BOARDS = (FLEET, JOB, OPERATOR)


def dashboard_files() -> dict[str, Callable[[], str]]:
    """What writes each file, by its path from the root of the repository."""
    return {
        f"charts/llmtrain/files/dashboards/{board.uid}.json": partial(render, board)
        for board in BOARDS
    }
