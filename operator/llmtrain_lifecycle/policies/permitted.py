"""The rule for what jobs bring into their Pods: what the operator's settings permit."""

from collections.abc import Iterable
from typing import Annotated

from pydantic import Field, StringConstraints

from llmtrain_api.base import Section, listed
from llmtrain_api.job import JobSpec
from llmtrain_api.spec.kubernetes import ObjectName
from llmtrain_lifecycle.snapshot import Obstacle

_Prefix = Annotated[str, StringConstraints(min_length=1, max_length=317)]


class ServiceAccount(Section):
    """A service account that jobs may use, in each namespace that has one of this name."""

    name: ObjectName
    """Name of the service account."""
    mount_token: bool = False
    """Whether the Pods get its token for the API server."""


class Permitted(Section):
    """What jobs may bring into their Pods; nothing by default."""

    service_accounts: tuple[ServiceAccount, ...] = ()
    """Service accounts that jobs may use."""
    labels: tuple[_Prefix, ...] = Field(())
    """Beginnings of the labels that jobs may give their Pods."""
    annotations: tuple[_Prefix, ...] = Field(())
    """Beginnings of the annotations that jobs may give their Pods."""

    def mounts_token(self, service_account: str | None) -> bool:
        """Whether Pods with this service account get its token."""
        return any(e.mount_token for e in self.service_accounts if e.name == service_account)


def permission_obstacle(spec: JobSpec, permitted: Permitted) -> Obstacle | None:
    """The obstacle to a job's Ray cluster in what it brings; None if all of it is permitted.

    Args:
        spec: the job's spec.
        permitted: what the operator's settings permit.
    """
    accounts = [each.name for each in permitted.service_accounts]
    account = spec.service_account_name
    if account is not None and account not in accounts:
        return Obstacle(
            "ServiceAccountNotAllowed",
            f"serviceAccountName: jobs may not use {account}; "
            + _allowed("service accounts", accounts, "serviceAccounts"),
        )
    for reason, field, keys, prefixes in (
        ("LabelNotAllowed", "labels", spec.labels, permitted.labels),
        ("AnnotationNotAllowed", "annotations", spec.annotations, permitted.annotations),
    ):
        refused = next((key for key in keys if not key.startswith(prefixes)), None)
        if refused is not None:
            beginnings = _allowed(f"{field} that begin with", prefixes, field)
            return Obstacle(reason, f"{field}: jobs may not set {refused}; {beginnings}")
    return None


def _allowed(what: str, names: Iterable[str], value: str) -> str:
    known = listed(tuple(sorted(names)) or ("none",), "and")
    return (
        f"this cluster allows {what}: {known}; ask who runs it (the chart's value "
        f"trainer.permitted.{value})"
    )
