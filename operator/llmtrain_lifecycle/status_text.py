"""Formats times and messages for the status."""

from datetime import UTC, datetime

from llmtrain_api.stages import Stage
from llmtrain_api.status import MESSAGE_MAX_LENGTH, Attempt
from llmtrain_api.visible import visible

_FORMAT = "%Y-%m-%dT%H:%M:%SZ"


def write_time(time: datetime) -> str:
    """RFC 3339 in UTC, to the second."""
    return time.astimezone(UTC).strftime(_FORMAT)


def read_time(text: str) -> datetime:
    """The time that `write_time` wrote."""
    return datetime.fromisoformat(text)  # ten times as fast as by the format


def for_status(message: str) -> str:
    """A message for the status: escaped and shortened, since parts of it come from outside."""
    return visible(message)[:MESSAGE_MAX_LENGTH]


def starting(stage: Stage, attempt: Attempt) -> str:
    """Message of an attempt that is recorded and about to be submitted."""
    return f"{stage} is starting, attempt {attempt.number}"


def working(stage: Stage, attempt: Attempt) -> str:
    """Message of an attempt that was submitted."""
    message = f"{stage} is running, attempt {attempt.number}"
    return f"{message}; {attempt.lost_pod.message}" if attempt.lost_pod else message
