"""The operator's log: lines of text, or of JSON with level and job as fields."""

import logging
from typing import Literal

import kopf

_TALKATIVE = ("kopf.objects", "kopf.activities.probe", "aiohttp.access")
"""Loggers with a line for every event and every probe."""
_FORMATS = {"text": kopf.LogFormat.FULL, "json": kopf.LogFormat.JSON}


def configure_logs(form: Literal["text", "json"]) -> None:
    """Send all logs to standard error.

    Args:
        form: `text`, or `json` for an object a line: `message`, `severity`, `timestamp`, and
            `object` with namespace and name of the job.
    """
    kopf.configure(verbose=False, log_format=_FORMATS[form], log_prefix=form == "text")
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(logging.WARNING)


def of_job(namespace: str, name: str) -> dict[str, dict[str, str]]:
    """The `extra` of a message about a job: kopf's formatter adds it to the line.

    Args:
        namespace: namespace of the job.
        name: name of the job.
    """
    return {"k8s_ref": {"namespace": namespace, "name": name}}
