"""A part of the report that cannot be shown, and why."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Unavailable:
    """Stands where a source or a section would; a page with some of them is still a page."""

    reason: str
    """For people: what is not there, and where it would come from."""
