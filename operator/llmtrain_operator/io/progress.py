"""Asks a driver how far it is."""

import aiohttp
from pydantic import ValidationError

from llmtrain_api.names import PROGRESS_PATH
from llmtrain_api.progress import ProgressReport

_TIMEOUT = aiohttp.ClientTimeout(total=5)


async def read_progress(url: str) -> ProgressReport | None:
    """The newest report of the driver at this URL; None where none answers.

    Args:
        url: `http://host:port`.
    """
    try:
        async with (
            aiohttp.ClientSession(timeout=_TIMEOUT) as session,
            session.get(url + PROGRESS_PATH) as reply,
        ):
            return ProgressReport.model_validate_json(await reply.read())
    except (aiohttp.ClientError, TimeoutError, ValidationError):
        return None  # not up yet, gone, or of another version: the hang timeout watches over it
