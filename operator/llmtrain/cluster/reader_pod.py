"""A Pod that prints the end of a file in a job's workspace."""

import secrets
from pathlib import Path

from llmtrain.errors import LogError
from llmtrain_api import names
from llmtrain_api.job import LLMTrainingJob
from llmtrain_clients import paths
from llmtrain_clients.kubernetes_api import Json, KubernetesApi
from llmtrain_clients.kubernetes_errors import KubernetesError
from llmtrain_lifecycle.builders.labels import owner_reference
from llmtrain_lifecycle.builders.pod import pod_template
from llmtrain_lifecycle.settings import PodSettings

_OURS = f"{names.MANAGED_BY_LABEL}={names.MANAGED_BY}"


async def reader_image(api: KubernetesApi, namespace: str, job: LLMTrainingJob) -> str:
    """The job's image, or else the image of a Pod in the namespace, which a node has pulled.

    Raises:
        LogError: no image is known.
    """
    if job.spec.image:
        return job.spec.image
    try:
        pods = (await api.list(paths.pods(namespace), label=_OURS)).items
    except KubernetesError:
        pods = []  # the user may not list Pods
    own_first = sorted(pods, key=lambda pod: _job(pod) != job.metadata.name)
    if not own_first:
        message = "no image is known to read it with: name one that has `tail`, by `--image`"
        raise LogError(message)
    image: str = own_first[0]["spec"]["containers"][0]["image"]
    return image


def _job(pod: Json) -> str | None:
    name: str | None = pod["metadata"]["labels"].get(names.JOB_LABEL)
    return name


LARGEST_BYTES = 8 << 20
"""Most bytes of a log: kubelet starts a new file beyond 10 MiB, and serves the newest alone."""
_SECONDS_TO_LIVE = 300
_MEMORY = "64Mi"
# Without the job's priority: this Pod must not preempt others.
_KEPT_OF_THE_SPEC = {
    "automountServiceAccountToken",
    "enableServiceLinks",
    "nodeSelector",
    "restartPolicy",
    "securityContext",
    "tolerations",
}


def reader_pod(
    job: LLMTrainingJob, uid: str, file: Path, *, image: str, fixed_user: bool = True
) -> Json:
    """Body of the Pod: as restricted as the job's own Pods, and read-only.

    Args:
        job: the job with this workspace.
        uid: UID of the job, which owns the Pod and takes it along when it is deleted.
        file: path of the file in the job's Pods.
        image: any image that has `tail`.
        fixed_user: whether it runs as the user of the job's Pods; False on OpenShift, which
            assigns one to each namespace.
    """
    # Without the job's label: the operator would count it as a Pod of a Ray cluster.
    labels = {names.MANAGED_BY_LABEL: names.MANAGED_BY}
    settings = PodSettings(image=image, ray_version="", fixed_user=fixed_user)
    head = job.spec.compute.head.replace(profile=None)  # only the operator knows profiles
    of_job = pod_template(job, settings, head, labels)["spec"]
    (container,) = of_job["containers"]
    (mount,) = (m for m in container["volumeMounts"] if m["mountPath"] == names.WORKSPACE_PATH)
    reader = {
        "name": "reader",
        "image": image,
        "command": ["tail", "-c", str(LARGEST_BYTES), str(file)],
        "resources": {
            "requests": {"cpu": "10m", "memory": _MEMORY},
            "limits": {"memory": _MEMORY},
        },
        "securityContext": container["securityContext"],
        "volumeMounts": [mount | {"readOnly": True}],
    }
    # A user who may not set a job's finalizers may not block its deletion either.
    owner = owner_reference(job, uid) | {"controller": False, "blockOwnerDeletion": False}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": f"{job.metadata.name}-log-{secrets.token_hex(3)}",
            "labels": labels,
            "ownerReferences": [owner],
        },
        "spec": {
            **{name: value for name, value in of_job.items() if name in _KEPT_OF_THE_SPEC},
            "activeDeadlineSeconds": _SECONDS_TO_LIVE,
            "terminationGracePeriodSeconds": 1,
            "containers": [reader],
            "volumes": [v for v in of_job["volumes"] if v["name"] == mount["name"]],
        },
    }
