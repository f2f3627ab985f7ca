"""The Pods of a Ray cluster, as templates that Pod Security "restricted" accepts."""

from llmtrain_api.job import LLMTrainingJob
from llmtrain_api.names import PROGRESS_PORT, WORKSPACE_PATH
from llmtrain_api.spec.compute import Memory, Nodes
from llmtrain_lifecycle.builders.given import given_mounts, given_variables, given_volumes
from llmtrain_lifecycle.builders.labels import Json
from llmtrain_lifecycle.builders.workspace import claim_name
from llmtrain_lifecycle.settings import PodSettings

_USER = 1000
_PRE_STOP = ["python", "-P", "-m", "llmtrain_trainer.pre_stop"]
_TEMPORARY = "/tmp"  # noqa: S108 - a volume of the Pod's own
_PORTS = {"gcs-server": 6379, "dashboard": 8265, "client": 10001, "progress": PROGRESS_PORT}


def pod_template(  # noqa: PLR0913 - the differences between kinds of Pods
    job: LLMTrainingJob,
    settings: PodSettings,
    *,
    labels: dict[str, str],
    nodes: Nodes,
    cpus: int,
    memory: Memory,
    gpus: int = 0,
    head: bool = False,
) -> Json:
    """The template of a Pod of a Ray cluster.

    Args:
        job: the job.
        settings: settings of the operator.
        labels: labels of the Pod.
        nodes: nodes on which it may run.
        cpus: requested cores, by default without a limit, so that a stage may use idle ones.
        memory: requested memory, also its limit.
        gpus: requested GPUs, also their limit.
        head: whether it is the head, on which drivers run.
    """
    requests: Json = {"cpu": f"{round(1000 * cpus / settings.cpu_overcommit)}m", "memory": memory}
    limits: Json = {"memory": memory}
    if job.spec.compute.limit_cpus:
        limits["cpu"] = str(cpus)
    if gpus:
        requests[settings.gpu_resource] = limits[settings.gpu_resource] = gpus
    container: Json = {
        "name": "ray-head" if head else "ray-worker",
        "image": job.spec.image or settings.image,
        "imagePullPolicy": settings.image_pull_policy,
        "resources": {"requests": requests, "limits": limits},
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
        },
        "env": [
            *({"name": name, "value": value} for name, value in _environment(settings, gpus=gpus)),
            *given_variables(job),
        ],
        "volumeMounts": [*_mounts(job), *given_mounts(job)],
        "lifecycle": {"preStop": {"exec": {"command": _PRE_STOP}}},
    }
    if head:
        container["ports"] = [
            {"name": name, "containerPort": port} for name, port in _PORTS.items()
        ]
    metadata: Json = {"labels": job.spec.labels | labels}
    if job.spec.annotations:
        metadata["annotations"] = job.spec.annotations
    return {"metadata": metadata, "spec": _spec(job, settings, nodes, container)}


def _spec(job: LLMTrainingJob, settings: PodSettings, nodes: Nodes, container: Json) -> Json:
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
            *given_volumes(job),
        ],
    }
    if account:
        spec["serviceAccountName"] = account
    if settings.image_pull_secrets:
        spec["imagePullSecrets"] = [{"name": name} for name in settings.image_pull_secrets]
    if nodes.node_selector:
        spec["nodeSelector"] = nodes.node_selector
    if nodes.tolerations:
        spec["tolerations"] = [
            {
                **each.model_dump(mode="json", exclude_none=True),
                "operator": "Exists" if each.value is None else "Equal",
            }
            for each in nodes.tolerations
        ]
    if job.spec.policy.priority_class_name:
        spec["priorityClassName"] = job.spec.policy.priority_class_name
    return spec


def _security(settings: PodSettings) -> Json:
    context: Json = {
        "runAsNonRoot": True,
        "fsGroupChangePolicy": "OnRootMismatch",
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    if settings.fixed_user:
        context |= {"runAsUser": _USER, "runAsGroup": _USER, "fsGroup": _USER}
    return context


def _mounts(job: LLMTrainingJob) -> list[Json]:
    workspace: Json = {"name": "workspace", "mountPath": WORKSPACE_PATH}
    claim = job.spec.workspace.persistent_volume_claim
    if claim and claim.sub_path:
        workspace["subPath"] = claim.sub_path
    return [workspace, {"name": "temporary", "mountPath": _TEMPORARY}]


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
