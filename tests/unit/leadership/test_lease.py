"""Who may take a Lease, without comparing the clocks of two machines."""

from datetime import UTC, datetime

import pytest

from llmtrain_operator.leadership.lease import (
    Lease,
    LeaseMeta,
    LeaseSpec,
    Sighting,
    given_back,
    may_take,
    taken,
)

_NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)


def _lease(holder: str | None, *, seconds: int = 15, version: str = "7") -> Lease:
    meta = LeaseMeta(name="llmtrain", namespace="system", resource_version=version)
    spec = LeaseSpec(holder_identity=holder, lease_duration_seconds=seconds, acquire_time="then")
    return Lease(metadata=meta, spec=spec)


@pytest.mark.parametrize(
    ("holder", "seen_for", "takes_it"),
    [
        (None, 0, True),
        ("", 0, True),
        ("me", 0, True),
        ("other", 0, False),
        ("other", 15, False),
        ("other", 15.1, True),
    ],
)
def test_who_may_take_it(holder: str | None, seen_for: float, *, takes_it: bool) -> None:
    assert may_take(_lease(holder), "me", Sighting("7", 100), 100 + seen_for) is takes_it


def test_a_renewal_starts_the_wait_anew() -> None:
    sighting = Sighting("7", 100)
    assert sighting.again(_lease("other", version="7"), 110) == Sighting("7", 100)
    assert sighting.again(_lease("other", version="8"), 110) == Sighting("8", 110)


def test_a_renewal_keeps_the_time_of_the_take_over() -> None:
    first = taken(_lease("other"), "me", 15, _NOON).spec
    assert (first.holder_identity, first.lease_transitions) == ("me", 1)
    assert first.acquire_time == first.renew_time == "2026-11-02T12:00:00.000000Z"
    again = taken(_lease("me"), "me", 15, _NOON).spec
    assert (again.acquire_time, again.lease_transitions) == ("then", 0)


def test_a_lease_that_is_given_back_is_free() -> None:
    free = given_back(_lease("me"))
    assert may_take(free, "other", Sighting("7", 100), 100)
