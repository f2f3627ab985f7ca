"""The objects that the operator makes for some manifests, as the tests expect them."""

from pathlib import Path

import yaml

from llmtrain_api.manifest import parse_job
from llmtrain_api.names import cluster_name
from llmtrain_api.spec.compute import Nodes, Toleration
from llmtrain_api.stages import StageGroup
from llmtrain_api.status import ClusterStatus
from llmtrain_api.yaml_text import yaml_text
from llmtrain_lifecycle.builders.network_policy import network_policy
from llmtrain_lifecycle.builders.ray_cluster import ray_cluster
from llmtrain_lifecycle.builders.workspace import workspace_claim
from llmtrain_lifecycle.policies.permitted import Permitted, ServiceAccount
from llmtrain_lifecycle.policies.profiles import Profile
from llmtrain_lifecycle.settings import PodNetwork, PodSettings

_PROFILES = Path(__file__).parents[1] / "tests" / "golden" / "profiles.yaml"
_SETTINGS = PodSettings(
    image="registry.example/llmtrain-trainer:1",
    ray_version="2.60.0",
    spot=Nodes(
        node_selector={"karpenter.sh/capacity-type": "spot"},
        tolerations=(Toleration(key="spot"),),
    ),
    profiles={
        name: Profile.model_validate(profile)
        for name, profile in yaml.safe_load(_PROFILES.read_text(encoding="utf-8")).items()
    },
    permitted=Permitted(service_accounts=(ServiceAccount(name="bucket-reader"),)),
)
_UID = "00000000-0000-0000-0000-000000000000"


def render_objects(manifest: Path) -> str:
    """The workspace claim, NetworkPolicy and RayClusters of a manifest's job, as YAML."""
    job = parse_job(yaml.safe_load(manifest.read_text(encoding="utf-8")))
    groups = dict.fromkeys(stage.group for stage in job.spec.stages)
    clusters = [
        ray_cluster(job, _UID, _status(job.metadata.name, group, number), _SETTINGS)
        for number, group in enumerate(groups)
    ]
    claim = workspace_claim(job)
    policy = network_policy(job, _UID, PodNetwork())
    objects = [claim, policy, *clusters] if claim else [policy, *clusters]
    return yaml_text(*objects)


def _status(job: str, group: StageGroup, generation: int) -> ClusterStatus:
    name = cluster_name(job, group, generation)
    return ClusterStatus(name=name, group=group, generation=generation)
