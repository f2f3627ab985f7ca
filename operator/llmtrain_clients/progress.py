"""Reads a driver's progress report."""

import time
from http import HTTPStatus

from llmtrain_api.names import PROGRESS_PATH
from llmtrain_api.progress import ProgressReport
from llmtrain_clients.answers import Limit, WrongAnswerError, parse_answer
from llmtrain_clients.http import Http, UnreachableError

_REPORT = Limit(64 * 1024)


async def read_progress(http: Http) -> ProgressReport | None:
    """The newest progress report of a driver, in this machine's time; None without an answer."""
    try:
        reply = await http.request("GET", PROGRESS_PATH, limit=_REPORT)
        if reply.status != HTTPStatus.OK:
            return None
        return parse_answer(ProgressReport, reply.status, reply.text).by_clock(time.time())
    except (UnreachableError, WrongAnswerError):
        return None  # not started, gone, or wrong: the hang timeout covers it
