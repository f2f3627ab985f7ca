"""The parts that we read of the API server's RayClusters and Pods."""

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from llmtrain_api import names

HEAD = "head"


class Observed(BaseModel):
    """Base of foreign objects, which may have unknown fields."""

    model_config = ConfigDict(
        alias_generator=to_camel, validate_by_name=True, extra="ignore", frozen=True
    )


class Owner(Observed):
    """An owner of an object."""

    uid: str
    controller: bool = False


class ObjectMeta(Observed):
    """The metadata of any object."""

    name: str
    namespace: str
    uid: str
    resource_version: str = Field(pattern=r"^[0-9]+$")
    generation: int = 0
    creation_timestamp: str = ""
    deletion_timestamp: str | None = None
    """Time of the final deletion: the deletion request plus the grace period."""
    deletion_grace_period_seconds: int = 0
    finalizers: tuple[str, ...] = ()
    labels: dict[str, str] = Field(default_factory=dict)
    owner_references: tuple[Owner, ...] = ()

    @property
    def controller_uid(self) -> str | None:
        """UID of the object that controls this one."""
        return next((owner.uid for owner in self.owner_references if owner.controller), None)


class ObservedCondition(Observed):
    """A condition of a Pod or a RayCluster."""

    type: str
    status: str
    reason: str = ""
    message: str = ""
    last_transition_time: str | None = None


def condition_of(conditions: tuple[ObservedCondition, ...], kind: str) -> ObservedCondition | None:
    """The condition of this type; None if there is none."""
    return next((c for c in conditions if c.type == kind), None)


class _ClusterSpec(Observed):
    suspend: bool = False


class _ClusterStatus(Observed):
    conditions: tuple[ObservedCondition, ...] = ()
    desired_worker_replicas: int = 0


class ObservedCluster(Observed):
    """A RayCluster."""

    metadata: ObjectMeta
    spec: _ClusterSpec = _ClusterSpec()
    status: _ClusterStatus = _ClusterStatus()

    def condition(self, kind: str) -> ObservedCondition | None:
        """The condition of this type."""
        return condition_of(self.status.conditions, kind)


class _Waiting(Observed):
    reason: str = ""
    message: str = ""


class ContainerEnd(Observed):
    """The end of a container."""

    reason: str = ""
    exit_code: int
    finished_at: str | None = None


class _ContainerState(Observed):
    waiting: _Waiting | None = None
    terminated: ContainerEnd | None = None


class _Container(Observed):
    name: str
    state: _ContainerState = _ContainerState()


class _Resources(Observed):
    requests: dict[str, str] = Field(default_factory=dict)


class _ContainerSpec(Observed):
    resources: _Resources = _Resources()


class _PodSpec(Observed):
    node_name: str | None = None
    init_containers: tuple[_ContainerSpec, ...] = ()
    containers: tuple[_ContainerSpec, ...] = ()


class _PodStatus(Observed):
    phase: str = "Pending"
    reason: str = ""
    message: str = ""
    conditions: tuple[ObservedCondition, ...] = ()
    init_container_statuses: tuple[_Container, ...] = ()
    container_statuses: tuple[_Container, ...] = ()


class ObservedPod(Observed):
    """A Pod of a Ray cluster."""

    metadata: ObjectMeta
    spec: _PodSpec = _PodSpec()
    status: _PodStatus = _PodStatus()

    @property
    def cluster(self) -> str:
        """Name of its Ray cluster, from KubeRay's label."""
        return self.metadata.labels.get("ray.io/cluster", "")

    @property
    def is_head(self) -> bool:
        """Whether it is the head, on which drivers run."""
        return self.metadata.labels.get("ray.io/node-type") == HEAD

    @property
    def job(self) -> str:
        """Name of its job."""
        return self.metadata.labels.get(names.JOB_LABEL, "")

    @property
    def ended(self) -> bool:
        """Whether all of its containers have ended."""
        return self.status.phase in {"Succeeded", "Failed"}

    @property
    def lives(self) -> bool:
        """Whether it runs or is about to run, and is not being deleted."""
        return self.metadata.deletion_timestamp is None and not self.ended

    @property
    def ready(self) -> bool:
        """Whether it is ready."""
        ready = self.condition("Ready")
        return self.lives and ready is not None and ready.status == "True"

    @property
    def scheduled(self) -> bool:
        """Whether it has been scheduled to a node."""
        condition = self.condition("PodScheduled")
        return condition is not None and condition.status == "True"

    @property
    def containers(self) -> tuple[_Container, ...]:
        """All container statuses, with those of init containers."""
        return (*self.status.init_container_statuses, *self.status.container_statuses)

    def condition(self, kind: str) -> ObservedCondition | None:
        """The condition of this type."""
        return condition_of(self.status.conditions, kind)
