"""Times as Kubernetes writes them."""

from datetime import UTC, datetime

_FORMAT = "%Y-%m-%dT%H:%M:%SZ"


def write_time(time: datetime) -> str:
    """RFC 3339 in UTC, to the second."""
    return time.astimezone(UTC).strftime(_FORMAT)


def read_time(text: str) -> datetime:
    """The time that `write_time` wrote."""
    return datetime.fromisoformat(text)  # ten times as fast as by the format
