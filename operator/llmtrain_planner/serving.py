"""Memory of a GPU that serves a model with vLLM: weights, keys and values, and working memory."""

from dataclasses import dataclass

from llmtrain_api.families.base import Architecture
from llmtrain_api.spec.compute import memory_bytes
from llmtrain_api.spec.ray_service import RayService
from llmtrain_planner.architecture import PlanError, count_parameters

VALUE_BYTES = 2
"""Weights, keys and values are served in bf16."""
MEMORY_SHARE = 0.9
"""Share of a GPU that vLLM takes. The rest is for CUDA's context, NCCL and CUDA graphs."""
BATCHED_TOKENS = 2048
"""Tokens in one forward pass: longer prompts are read in pieces (chunked prefill)."""
_VOCABULARY_MULTIPLE = 64
"""vLLM fills the vocabulary up to a multiple of it, and has the GPUs divide the sum
(`DEFAULT_VOCAB_PADDING_SIZE` in vllm/model_executor/layers/vocab_parallel_embedding.py)."""
_BLOCK_TOKENS = 16
"""Tokens of a block of keys and values (Kwon et al. 2023, section 7.2)."""
_FP32_BYTES = 4
_GIB = 2**30


@dataclass(frozen=True)
class Service:
    """What a service asks for.

    Attributes:
        gpus: GPUs of a replica, which share its model (tensor parallelism).
        gpu_memory_bytes: memory of each of them.
        context_length: longest sequence in tokens.
        concurrent_sequences: sequences at once.
    """

    gpus: int
    gpu_memory_bytes: int
    context_length: int
    concurrent_sequences: int


@dataclass(frozen=True)
class ServingMemory:
    """Memory of one GPU in bytes."""

    weights: int
    cache: int
    """Keys and values of all sequences at full length."""
    working: int
    """Activations of one forward pass, and the logits of each sequence."""
    usable: int

    @property
    def needed(self) -> int:
        """All parts together."""
        return self.weights + self.cache + self.working

    @property
    def fits(self) -> bool:
        """Whether all parts have room together."""
        return self.needed <= self.usable


def service_of(section: RayService, architecture: Architecture) -> Service:
    """The service that a section asks for, with the model's context where it names none."""
    return Service(
        gpus=section.gpus_per_replica,
        gpu_memory_bytes=memory_bytes(section.gpu_memory),
        context_length=section.context_length or architecture.context_length,
        concurrent_sequences=section.concurrent_sequences,
    )


def batched_tokens(service: Service) -> int:
    """Tokens in one forward pass: vLLM wants at least one for each sequence."""
    return max(BATCHED_TOKENS, service.concurrent_sequences)


def serving_memory(architecture: Architecture, service: Service) -> ServingMemory:
    """Memory of each GPU of a replica.

    A token has a key and a value in each layer, for each head (Kwon et al. 2023, section 3): 2 x
    layers x heads x head size x bytes. Tensor parallelism divides heads and weights among the GPUs
    (Shoeybi et al. 2019), and repeats heads where there are more GPUs than heads.

    Args:
        architecture: shape of the model.
        service: what the service asks for.
    """
    attention, gpus = architecture.attention, service.gpus
    heads = -(-attention.key_value_heads // gpus)
    token = 2 * architecture.layers * heads * attention.head_size * VALUE_BYTES
    blocks = -(-service.context_length // _BLOCK_TOKENS)
    queries = (attention.query_size + 2 * attention.key_value_size) // gpus
    activations = (
        4 * architecture.hidden_size + queries + 2 * architecture.feed_forward.active_width // gpus
    )
    # Logits are computed in bf16, and sampled from in fp32.
    logits = architecture.vocabulary_size * (VALUE_BYTES + _FP32_BYTES)
    return ServingMemory(
        weights=-(-count_parameters(architecture) * VALUE_BYTES // gpus),
        cache=service.concurrent_sequences * blocks * _BLOCK_TOKENS * token,
        working=batched_tokens(service) * activations * VALUE_BYTES
        + service.concurrent_sequences * logits,
        usable=int(MEMORY_SHARE * service.gpu_memory_bytes),
    )


def require_servable(architecture: Architecture, service: Service) -> ServingMemory:
    """Memory of each GPU of a replica that vLLM can run.

    Raises:
        PlanError: vLLM does not know the family, cannot divide the model among the GPUs, or its
            memory does not suffice.
    """
    family = architecture.family
    if family.vllm_architecture is None:
        raise PlanError(f"vLLM has no implementation of {family.name} models")
    if service.context_length > architecture.context_length:
        raise PlanError(
            f"contextLength is {service.context_length}; the model reads at most "
            f"{architecture.context_length} tokens"
        )
    _require_divisible(architecture, service.gpus)
    memory = serving_memory(architecture, service)
    if not memory.fits:
        raise PlanError(
            f"each GPU needs {memory.needed / _GIB:.1f} GiB "
            f"(weights {memory.weights / _GIB:.1f}, keys and values {memory.cache / _GIB:.1f}, "
            f"working memory {memory.working / _GIB:.1f}), and vLLM may take "
            f"{memory.usable / _GIB:.1f} GiB, {MEMORY_SHARE:.0%} of gpuMemory; lower contextLength "
            "or concurrentSequences, or raise gpusPerReplica"
        )
    return memory


def _require_divisible(architecture: Architecture, gpus: int) -> None:
    """Check the sizes that tensor parallelism divides in vLLM."""
    attention = architecture.attention
    heads = attention.key_value_heads
    vocabulary = architecture.vocabulary_size
    rows = -(-vocabulary // _VOCABULARY_MULTIPLE) * _VOCABULARY_MULTIPLE
    sizes = {
        "attention heads": attention.heads,
        "feed-forward width": architecture.feed_forward.width,
    }
    for name, size in sizes.items():
        if size % gpus:
            raise PlanError(
                f"gpusPerReplica is {gpus}, which does not divide the model's {name}, {size}"
            )
    if rows % gpus:
        raise PlanError(
            f"gpusPerReplica is {gpus}, which does not divide the model's vocabulary, {vocabulary} "
            f"tokens, {rows} as vLLM pads them to a multiple of {_VOCABULARY_MULTIPLE}"
        )
    if heads % gpus and gpus % heads:
        raise PlanError(
            f"gpusPerReplica is {gpus}; it should divide the model's {heads} heads of keys and "
            "values, or be a multiple of them"
        )
