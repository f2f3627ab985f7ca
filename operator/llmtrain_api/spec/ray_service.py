"""The section of the export that describes a service for the trained model."""

from typing import Annotated

from pydantic import Field

from llmtrain_api.spec.compute import Memory, Nodes
from llmtrain_api.spec.kubernetes import Image, ObjectName


class RayService(Nodes):
    """A KubeRay RayService that serves the exported model with vLLM.

    It is written to `rayservice.yaml` in the export folder, and not created: apply the file. Its
    Pods mount the export folder of the workspace's claim, read-only. The head runs anywhere, unless
    `nodeSelector` names a node by `kubernetes.io/hostname`.
    """

    image: Image
    """Image with Ray, of the version that trains, with Ray Serve LLM and with vLLM."""
    image_pull_secrets: Annotated[tuple[ObjectName, ...], Field(max_length=16)] = ()
    """Secrets in the service's namespace with credentials for the image's registry."""
    service_account_name: ObjectName | None = None
    """Service account of the Pods; no token of it is mounted."""
    replicas: int = Field(1, ge=1, le=256)
    """Number of replicas of the model, each in a Pod of its own."""
    gpus_per_replica: int = Field(1, ge=1, le=16)
    """GPUs that share the model of a replica (tensor parallelism)."""
    gpu_memory: Memory
    """Memory of each GPU, as nvidia-smi reports it. A model that does not fit is refused."""
    context_length: int | None = Field(None, ge=1, le=10_000_000)
    """Longest prompt and answer together, in tokens; by default the model's own limit."""
    concurrent_sequences: int = Field(8, ge=1, le=4096)
    """Sequences that a replica works on at once. Their keys and values fit the GPUs' memory at full
    length."""
    cpus: int = Field(4, ge=2, le=1024)
    """CPU cores of each replica's Pod: one for the engine, the others for requests."""
    memory: Memory = "16Gi"
    """Memory of each replica's Pod, which reads the weights through it. It holds a process for each
    of `gpusPerReplica`."""
