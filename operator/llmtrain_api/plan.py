"""The plan of a job, made before it starts."""

from pydantic import Field

from llmtrain_api.base import Record
from llmtrain_api.families import Family
from llmtrain_api.spec.training import ActivationCheckpointing, Offload, ZeroStage
from llmtrain_api.stages import Stage


class HardwarePlan(Record):
    """What the plan assumes about the trainers."""

    device: str
    """Name in the planner's table: `h100-sxm`; `cpu` for workers without a GPU."""
    workers: int
    """Ranks: one for each GPU, or one for each replica without GPUs."""
    memory_bytes: int
    """Memory of one device."""
    price_usd_per_device_hour: float | None = None


class ModelPlan(Record):
    """The model's shape with every default filled in."""

    family: Family
    parameters: int
    layers: int
    hidden_size: int
    heads: int
    key_value_heads: int
    intermediate_size: int
    vocabulary_size: int
    context_length: int
    tie_embeddings: bool


class MemoryPlan(Record):
    """What one worker needs at its peak, part by part; the parts add up to `totalBytes`."""

    zero_stage: ZeroStage
    offload: Offload
    activation_checkpointing: ActivationCheckpointing
    """As the manifest has it, or what `auto` comes to."""
    weights_bytes: int
    gradients_bytes: int
    optimizer_bytes: int
    """Moments of AdamW, and with bf16 the fp32 copy of the weights."""
    activations_bytes: int
    logits_bytes: int
    """The output layer's scores, their fp32 copies, and their gradients."""
    step_bytes: int
    """The fp32 gradients of an optimizer step, where the step is the peak."""
    buffers_bytes: int
    """Buckets in which DeepSpeed gathers and reduces."""
    overhead_bytes: int
    """CUDA's context, libraries, fragmentation; on a CPU the Python process."""
    total_bytes: int
    host_bytes: int
    """Memory of the host that offloading takes for one worker."""
    copy_bytes: int
    """Memory of the host for the copy of rank 0's state from which a checkpoint is written while
    training goes on; without ZeRO stage 3 the others copy less. Where it is lacking, training waits
    for each checkpoint."""
    host_needed_bytes: int
    """Memory of a replica that is enough for all this and the processes of its workers."""
    fits: bool
    """Whether device and host have room for all but the copy."""


class ManifestChange(Record):
    """A field of the manifest and the value that it should have."""

    field: str
    """`spec.pretrain.zero.stage`."""
    value: int | bool | str


class StagePlan(Record):
    """What one training stage needs. Fields that cannot be known beforehand are absent."""

    stage: Stage
    trainable_parameters: int
    sequence_length: int
    batch_tokens: int
    micro_batch_size: int
    accumulation_steps: int
    finds_micro_batch_size: bool = False
    """Whether the job tries which micro batch fits; the one above is where it begins."""
    peak_flops: float
    """Dense peak of one device at the stage's precision, in FLOPs per second."""
    flops_per_token: int
    """FLOPs of the forward and backward pass for each token."""
    mfu: float = Field(gt=0, le=1)
    """Model FLOPs utilization that the time stands for: what is computed twice counts once."""
    mfu_source: str
    """Where it comes from: a measurement, an assumption, or an option."""
    tokens: int | None = None
    steps: int | None = None
    flops: float | None = None
    duration_seconds: float | None = None
    cost_usd: float | None = None
    memory: MemoryPlan
    """With the manifest's own settings."""
    alternatives: tuple[MemoryPlan, ...]
    """The same with every other ZeRO stage and offload."""
    changes: tuple[ManifestChange, ...] = ()
    """Where it does not fit: the smallest change that makes it fit; empty where none does."""


class Plan(Record):
    """Parameters, tokens, FLOPs, memory, time and money of a job."""

    hardware: HardwarePlan
    model: ModelPlan | None = None
    """Absent where nothing is trained."""
    stages: tuple[StagePlan, ...] = ()
    """The stages that train."""
    duration_seconds: float | None = None
    """Sum over the stages above; absent where one of them is unknown."""
    cost_usd: float | None = None
    notes: tuple[str, ...] = ()
    """What was assumed, and what could not be known."""

    @property
    def fits(self) -> bool:
        """Whether every stage fits the devices."""
        return all(stage.memory.fits for stage in self.stages)
