"""The nodes of a Pod: node selector, tolerations, and what the profile of the nodes adds."""

from collections import ChainMap
from typing import Any

from llmtrain_api import names
from llmtrain_api.job import LLMTrainingJob
from llmtrain_api.spec.compute import Cpus, Head, Nodes, Trainers
from llmtrain_lifecycle.builders.labels import Json
from llmtrain_lifecycle.policies.profiles import Profile
from llmtrain_lifecycle.settings import PodSettings

Machines = Head | Trainers | Cpus


def profile_of(machines: Machines, settings: PodSettings) -> Profile:
    """The profile of some machines; an empty one if the job names none."""
    return Profile() if machines.profile is None else settings.profiles[machines.profile]


def placement(job: LLMTrainingJob, machines: Machines, settings: PodSettings) -> Json:
    """The fields of a Pod's spec that say where it runs.

    Args:
        job: the job, whose Pods are counted for its own affinity and spread.
        machines: head, trainers or cpus of the job.
        settings: settings of the operator.

    Returns:
        What spot machines need, then the profile, then the job's own, which wins over the others.
    """
    profile = profile_of(machines, settings)
    is_spot = isinstance(machines, Trainers) and machines.spot
    sources = (settings.spot if is_spot else Nodes(), profile, machines)
    own_pods = {"matchLabels": {names.JOB_LABEL: job.metadata.name}}
    spread = [_of_own(each, own_pods) for each in profile.topology_spread_constraints]
    fields: Json = {
        "nodeSelector": dict(ChainMap(*(each.node_selector for each in reversed(sources)))),
        "tolerations": [each.of_pod for nodes in sources for each in nodes.tolerations],
        "runtimeClassName": profile.runtime_class_name,
        "schedulerName": profile.scheduler_name,
        "affinity": _affinity(profile.affinity, own_pods),
        "topologySpreadConstraints": spread,
    }
    return {name: value for name, value in fields.items() if value}


def _affinity(value: Any, own_pods: Json) -> Any:  # noqa: ANN401 - any part of an affinity
    """An affinity whose terms about Pods are about the job's own, unless they select others."""
    if isinstance(value, list):
        return [_affinity(each, own_pods) for each in value]
    if not isinstance(value, dict):
        return value
    inner = {key: _affinity(each, own_pods) for key, each in value.items()}
    return _of_own(inner, own_pods) if "topologyKey" in inner else inner


def _of_own(term: Json, own_pods: Json) -> Json:
    return {"labelSelector": own_pods, **term}
