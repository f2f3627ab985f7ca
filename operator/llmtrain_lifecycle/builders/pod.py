"""The Pods of a Ray cluster, as templates that Pod Security "restricted" accepts."""

from llmtrain_api import names
from llmtrain_api.job import LLMTrainingJob
from llmtrain_api.names import PROGRESS_PORT, WORKSPACE_PATH
from llmtrain_api.spec.compute import Head, Trainers
from llmtrain_lifecycle.builders.given import given_mounts, given_variables, given_volumes
from llmtrain_lifecycle.builders.labels import Json
from llmtrain_lifecycle.builders.placement import Machines, placement, profile_of
from llmtrain_lifecycle.builders.workspace import claim_name
from llmtrain_lifecycle.policies.profiles import Profile
from llmtrain_lifecycle.settings import PodSettings

_USER = 1000
_PRE_STOP = ["python", "-P", "-m", "llmtrain_trainer.pre_stop"]
_TEMPORARY = "/tmp"  # noqa: S108 - a volume of the Pod's own
_PORTS = {"gcs-server": 6379, "dashboard": 8265, "client": 10001, "progress": PROGRESS_PORT}


def pod_template(
    job: LLMTrainingJob, settings: PodSettings, machines: Machines, labels: dict[str, str]
) -> Json:
    """The template of a Pod of a Ray cluster.

    Args:
        job: the job.
        settings: settings of the operator.
        machines: the machines of the Pod: those of the head, on which drivers run, or of workers.
        labels: labels of the Pod.
    """
    head = isinstance(machines, Head)
    gpus = machines.gpus if isinstance(machines, Trainers) else 0
    profile = profile_of(machines, settings)
    container: Json = {
        "name": "ray-head" if head else "ray-worker",
        "image": job.spec.image or settings.image,
        "imagePullPolicy": settings.image_pull_policy,
        "resources": _resources(job, settings, machines, gpus=gpus),
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
        },
        "env": [
            *({"name": name, "value": value} for name, value in _environment(settings, gpus=gpus)),
            {
                "name": names.NODE_VARIABLE,
                "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}},
            },
            *given_variables(job, profile),
        ],
        "volumeMounts": [*_mounts(job, profile), *given_mounts(job)],
        "lifecycle": {"preStop": {"exec": {"command": _PRE_STOP}}},
    }
    if head:
        container["ports"] = [
            {"name": name, "containerPort": port} for name, port in _PORTS.items()
        ]
    named = {names.PROFILE_LABEL: machines.profile} if machines.profile else {}
    metadata: Json = {"labels": job.spec.labels | labels | named}
    if annotations := profile.annotations | job.spec.annotations:
        metadata["annotations"] = annotations
    return {"metadata": metadata, "spec": _spec(job, settings, machines, container)}


def _resources(
    job: LLMTrainingJob, settings: PodSettings, machines: Machines, *, gpus: int
) -> Json:
    """Requests and limits. CPUs have no limit by default, so that a stage may use idle ones."""
    devices: Json = dict(profile_of(machines, settings).resources)
    if gpus:
        devices[settings.gpu_resource] = gpus
    cpu = f"{round(1000 * machines.cpus / settings.cpu_overcommit)}m"
    requests = {"cpu": cpu, "memory": machines.memory} | devices
    limits = {"memory": machines.memory} | devices
    if job.spec.compute.limit_cpus:
        limits["cpu"] = str(machines.cpus)
    return {"requests": requests, "limits": limits}


def _spec(job: LLMTrainingJob, settings: PodSettings, machines: Machines, container: Json) -> Json:
    account = job.spec.service_account_name
    spec: Json = {
        "containers": [container],
        "restartPolicy": "Never",  # a restarted Ray node has lost its state; KubeRay replaces it
        "automountServiceAccountToken": settings.permitted.mounts_token(account),
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": settings.grace_seconds,
        "securityContext": _security(settings),
        "volumes": [
            {"name": "workspace", "persistentVolumeClaim": {"claimName": claim_name(job)}},
            {"name": "temporary", "emptyDir": {}},
            *_shared_memory(profile_of(machines, settings)),
            *given_volumes(job),
        ],
    }
    if account:
        spec["serviceAccountName"] = account
    if settings.image_pull_secrets:
        spec["imagePullSecrets"] = [{"name": name} for name in settings.image_pull_secrets]
    if job.spec.policy.priority_class_name:
        spec["priorityClassName"] = job.spec.policy.priority_class_name
    return spec | placement(job, machines, settings)


def _security(settings: PodSettings) -> Json:
    context: Json = {
        "runAsNonRoot": True,
        "fsGroupChangePolicy": "OnRootMismatch",
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    if settings.fixed_user:
        context |= {"runAsUser": _USER, "runAsGroup": _USER, "fsGroup": _USER}
    return context


def _shared_memory(profile: Profile) -> list[Json]:
    """The volume of `/dev/shm`; KubeRay adds one that may take all of the Pod's memory."""
    if profile.shared_memory is None:
        return []
    source = {"medium": "Memory", "sizeLimit": profile.shared_memory}
    return [{"name": "shared-memory", "emptyDir": source}]


def _mounts(job: LLMTrainingJob, profile: Profile) -> list[Json]:
    workspace: Json = {"name": "workspace", "mountPath": WORKSPACE_PATH}
    claim = job.spec.workspace.persistent_volume_claim
    if claim and claim.sub_path:
        workspace["subPath"] = claim.sub_path
    shared = {"name": "shared-memory", "mountPath": "/dev/shm"}  # noqa: S108 - where ranks look
    return [
        workspace,
        {"name": "temporary", "mountPath": _TEMPORARY},
        *([shared] if profile.shared_memory else ()),
    ]


def _environment(settings: PodSettings, *, gpus: int) -> list[tuple[str, str]]:
    # The driver and a drained worker get the Pod's grace period.
    grace = str(settings.grace_seconds)
    variables = [
        ("HOME", _TEMPORARY),
        ("PYTHONSAFEPATH", "1"),  # no imports from the working directory
        ("RAY_USAGE_STATS_ENABLED", "0"),
        ("RAY_START_HOOK", "llmtrain_trainer.launch.ray_start.in_pod"),
        ("RAY_agent_register_timeout_ms", "120000"),
        ("RAY_JOB_STOP_WAIT_TIME_S", grace),
        ("RAY_GRACEFUL_SHUTDOWN_DRAIN_TIMEOUT_S", grace),
    ]
    return variables if gpus else [*variables, ("DS_ACCELERATOR", "cpu")]
