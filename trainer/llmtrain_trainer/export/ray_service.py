"""The manifest of a KubeRay RayService that serves the exported model with vLLM.

Ray Serve's application is `ray.serve.llm.build_openai_app`:
https://docs.ray.io/en/latest/serve/llm/index.html
"""

from importlib.metadata import version
from pathlib import Path
from typing import Any

from llmtrain_api.families.base import Architecture
from llmtrain_api.run_config import RunConfig
from llmtrain_api.spec.model import Model
from llmtrain_api.spec.ray_service import RayService
from llmtrain_api.spec.workspace import PersistentVolumeClaim
from llmtrain_api.yaml_text import yaml_text
from llmtrain_planner.architecture import PlanError, resolve_architecture
from llmtrain_planner.serving import MEMORY_SHARE, batched_tokens, require_servable, service_of
from llmtrain_trainer.errors import UserError
from llmtrain_trainer.models.pipeline import initial_model

FILE = "rayservice.yaml"
FIELD = "export.rayService"
_MODEL_PATH = "/model"
_HOST = "kubernetes.io/hostname"
_HEAD_CPUS = 1
_HEAD_MEMORY = "4Gi"
_CONTAINER_SECURITY = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
_ENVIRONMENT = {
    "HF_HUB_OFFLINE": "1",
    "VLLM_NO_USAGE_STATS": "1",
    "RAY_USAGE_STATS_ENABLED": "0",
}
_HEADER = """\
# Serves {name} with vLLM, and speaks OpenAI's API on port 8000 of the Service {service}-serve-svc.
# Apply it in the namespace of the claim {claim}.
"""

Json = dict[str, Any]


def require_service(section: RayService, architecture: Architecture | None) -> Architecture:
    """Check that vLLM can serve a model as the section asks.

    Args:
        section: the section.
        architecture: shape of the model; None for a family without a file in
            `llmtrain_api.families`.

    Raises:
        UserError: it cannot; the message says why.
    """
    if architecture is None:
        raise UserError(f"{FIELD}: the memory of a model of this family cannot be planned")
    try:
        require_servable(architecture, service_of(section, architecture))
    except PlanError as error:
        raise UserError(f"{FIELD}: {error}") from error
    return architecture


def check_ray_service(config: RunConfig) -> None:
    """Check the service before anything is trained, where the shape of the model is known.

    A new model's shape is the manifest's, if that has the size of the vocabulary. The shape of a
    pretrained one is known where its folder is at hand: of the hub's models, once it is fetched.

    Raises:
        UserError: vLLM cannot serve the model as the section asks, or the pretrained model cannot
            be loaded.
    """
    section = config.export.ray_service if config.export else None
    if section is None or config.model is None:
        return
    if config.model.init_from is None:
        _check_new_model(section, config, config.model)
    elif (folder := initial_model(config)).exists():
        from llmtrain_trainer.models.recipe import stored_shape  # takes seconds: transformers

        require_service(section, stored_shape(folder))


def _check_new_model(section: RayService, config: RunConfig, model: Model) -> None:
    training = config.new_model_training
    if training is None:
        return
    learned = config.tokenizer.vocabulary_size if config.tokenizer else None
    vocabulary_size = model.vocabulary_size or learned
    if vocabulary_size is None:
        return
    try:
        shape = resolve_architecture(
            model, vocabulary_size=vocabulary_size, context_length=training.sequence_length
        )
    except ValueError as error:
        raise UserError(str(error)) from error
    require_service(section, shape)


def write_ray_service(config: RunConfig, architecture: Architecture | None, folder: Path) -> None:
    """Write the manifest of the service, if the export asks for one.

    Args:
        config: run config of the export stage.
        architecture: shape of the model; None for a family without a file in
            `llmtrain_api.families`.
        folder: the export folder.

    Raises:
        UserError: vLLM cannot serve the model as the section asks.
    """
    section = config.export.ray_service if config.export else None
    if section is None:
        return
    shape = require_service(section, architecture)
    claim = config.claim
    assert claim is not None, "a run config with a service names its claim"
    manifest = ray_service(config.job_name, claim, section, shape)
    name = manifest["metadata"]["name"]
    header = _HEADER.format(name=config.job_name, service=name, claim=claim.claim_name)
    text = header + yaml_text(manifest)
    (folder / FILE).write_text(text, encoding="utf-8")


def ray_service(
    job_name: str, claim: PersistentVolumeClaim, section: RayService, architecture: Architecture
) -> Json:
    """The RayService (ray.io/v1).

    Args:
        job_name: name of the job, which clients ask for the model by.
        claim: claim of its workspace.
        section: the section that asks for it.
        architecture: shape of the model.
    """
    name = job_name if job_name[0].isalpha() else f"job-{job_name}"
    return {
        "apiVersion": "ray.io/v1",
        "kind": "RayService",
        "metadata": {"name": name},
        "spec": {
            "serveConfigV2": yaml_text(serve_config(job_name, section, architecture)),
            "rayClusterConfig": {
                "rayVersion": version("ray"),
                "authOptions": {"mode": "token"},
                "headGroupSpec": {
                    "rayStartParams": {"num-cpus": "0", "dashboard-host": "0.0.0.0"},  # noqa: S104 - a token guards it
                    "template": {"spec": _pod(claim, section, head=True)},
                },
                "workerGroupSpecs": [
                    {
                        "groupName": "replicas",
                        "replicas": section.replicas,
                        "minReplicas": section.replicas,
                        "maxReplicas": section.replicas,
                        "rayStartParams": {
                            "num-cpus": str(section.cpus),
                            "num-gpus": str(section.gpus_per_replica),
                        },
                        "template": {"spec": _pod(claim, section, head=False)},
                    }
                ],
            },
        },
    }


def serve_config(model: str, section: RayService, architecture: Architecture) -> Json:
    """The configuration of Ray Serve's application (`ray.serve.schema.ServeDeploySchema`).

    Args:
        model: name by which clients ask for the model.
        section: the section that asks for the service.
        architecture: shape of the model.
    """
    service = service_of(section, architecture)
    engine = {
        "dtype": "bfloat16",
        "tensor_parallel_size": service.gpus,
        "max_model_len": service.context_length,
        "max_num_seqs": service.concurrent_sequences,
        "max_num_batched_tokens": batched_tokens(service),
        "gpu_memory_utilization": MEMORY_SHARE,
    }
    model_config = {
        "model_loading_config": {"model_id": model, "model_source": _MODEL_PATH},
        "engine_kwargs": engine,
        "deployment_config": {"num_replicas": section.replicas},
    }
    application = {
        "name": "model",
        "import_path": "ray.serve.llm:build_openai_app",
        "route_prefix": "/",
        "args": {"llm_configs": [model_config]},
    }
    return {"applications": [application]}


def _pod(claim: PersistentVolumeClaim, section: RayService, *, head: bool) -> Json:
    """A Pod that Pod Security "restricted" accepts. The head reads the model's config.json too."""
    cpus, memory = (_HEAD_CPUS, _HEAD_MEMORY) if head else (section.cpus, section.memory)
    devices = {} if head else {"nvidia.com/gpu": section.gpus_per_replica}
    container = {
        "name": "ray-head" if head else "ray-worker",
        "image": section.image,
        "env": [{"name": name, "value": value} for name, value in _ENVIRONMENT.items()],
        "resources": {
            "requests": {"cpu": str(cpus), "memory": memory, **devices},
            "limits": {"memory": memory, **devices},
        },
        "securityContext": _CONTAINER_SECURITY,
        "volumeMounts": [
            {
                "name": "workspace",
                "mountPath": _MODEL_PATH,
                "subPath": "/".join(filter(None, (claim.sub_path, "export"))),
                "readOnly": True,
            }
        ],
    }
    volume = {"claimName": claim.claim_name, "readOnly": True}
    pod: Json = {
        "containers": [container],
        "automountServiceAccountToken": False,
        "securityContext": {
            "runAsNonRoot": True,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "volumes": [{"name": "workspace", "persistentVolumeClaim": volume}],
    }
    if section.service_account_name:
        pod["serviceAccountName"] = section.service_account_name
    if section.image_pull_secrets:
        pod["imagePullSecrets"] = [{"name": name} for name in section.image_pull_secrets]
    if not head or _HOST in section.node_selector:  # one node for all
        pod |= _placement(section)
    return pod


def _placement(section: RayService) -> Json:
    tolerations = [each.of_pod for each in section.tolerations]
    fields = {"nodeSelector": section.node_selector, "tolerations": tolerations}
    return {name: value for name, value in fields.items() if value}
