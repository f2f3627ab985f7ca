"""Asks a driver how far it is."""

from http import HTTPStatus

from pydantic import ValidationError

from llmtrain_api.names import PROGRESS_PATH
from llmtrain_api.progress import ProgressReport
from llmtrain_operator.io.http import Http, UnreachableError


async def read_progress(http: Http) -> ProgressReport | None:
    """The newest report of a driver; None where none answers."""
    try:
        reply = await http.request("GET", PROGRESS_PATH)
        if reply.status != HTTPStatus.OK:
            return None
        return ProgressReport.model_validate_json(reply.text, extra="ignore")  # of a newer trainer
    except (UnreachableError, ValidationError):
        return None  # not up yet, or gone: the hang timeout watches over it
