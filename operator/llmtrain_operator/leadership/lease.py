"""The Lease of the leading operator, and the rule of who may take it.

Clocks of two machines are never compared. A candidate takes a Lease whose holder has not renewed it
for as long as the Lease says, by the candidate's own clock, since the candidate first saw it so.
"""

from dataclasses import dataclass
from datetime import datetime

from pydantic import Field

from llmtrain_api.base import Section
from llmtrain_lifecycle.observed import Observed

_MICROSECONDS = "%Y-%m-%dT%H:%M:%S.%fZ"
API = "coordination.k8s.io/v1"


class LeaderElection(Section):
    """The Lease by which several operators agree on one that reconciles."""

    namespace: str = Field(min_length=1)
    """Namespace of the Lease: the operator's own."""
    name: str = Field("llmtrain", min_length=1)
    """Name of the Lease."""
    lease_seconds: int = Field(15, ge=1, le=3600)
    """Seconds without a renewal after which another operator takes over."""


class LeaseMeta(Observed):
    """The metadata of a Lease."""

    name: str
    namespace: str
    resource_version: str | None = None

    @property
    def key(self) -> tuple[str, str]:
        """Namespace and name."""
        return self.namespace, self.name


class LeaseSpec(Observed):
    """The holder of a Lease, and for how long it holds it without a renewal."""

    holder_identity: str | None = None
    lease_duration_seconds: int = Field(15, ge=1)
    acquire_time: str | None = None
    renew_time: str | None = None
    lease_transitions: int = 0


class Lease(Observed):
    """A Lease of the API server."""

    metadata: LeaseMeta
    spec: LeaseSpec = LeaseSpec()


@dataclass(frozen=True)
class Sighting:
    """A version of the Lease, and when this candidate first saw it."""

    version: str | None
    since: float
    """Seconds of the candidate's monotonic clock."""

    def again(self, lease: Lease, now: float) -> "Sighting":
        """The sighting after another look."""
        version = lease.metadata.resource_version
        return self if version == self.version else Sighting(version, now)


def may_take(lease: Lease, me: str, sighting: Sighting, now: float) -> bool:
    """Whether a candidate may write itself into a Lease.

    Args:
        lease: the Lease as it is.
        me: identity of the candidate.
        sighting: sighting of this version of the Lease.
        now: time of the candidate's monotonic clock, in seconds.
    """
    holder = lease.spec.holder_identity
    is_free = not holder or holder == me
    return is_free or now - sighting.since > lease.spec.lease_duration_seconds


def taken(lease: Lease, me: str, seconds: int, now: datetime) -> Lease:
    """The Lease after a candidate has taken or renewed it.

    Args:
        lease: the Lease as it is.
        me: identity of the candidate.
        seconds: seconds for which it holds without a renewal.
        now: current time; for people, nothing is decided by it.
    """
    before, time = lease.spec, now.strftime(_MICROSECONDS)
    renewed = before.holder_identity == me
    spec = LeaseSpec(
        holder_identity=me,
        lease_duration_seconds=seconds,
        acquire_time=before.acquire_time if renewed else time,
        renew_time=time,
        lease_transitions=before.lease_transitions + (not renewed),
    )
    return Lease(metadata=lease.metadata, spec=spec)


def given_back(lease: Lease) -> Lease:
    """The Lease without a holder, which the next candidate takes at its next look."""
    free = LeaseSpec(lease_duration_seconds=1, lease_transitions=lease.spec.lease_transitions)
    return Lease(metadata=lease.metadata, spec=free)
