"""The plan of a job."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from llmtrain_api.families import Family
from llmtrain_api.families.base import Architecture
from llmtrain_api.job import JobSpec
from llmtrain_api.plan import HardwarePlan, ModelPlan, Plan, StagePlan
from llmtrain_api.spec.compute import Trainers, memory_bytes
from llmtrain_api.spec.model import Model
from llmtrain_api.spec.training import Offload
from llmtrain_api.stages import Stage
from llmtrain_planner.architecture import PlanError, count_parameters, resolve_architecture
from llmtrain_planner.hardware import CPU, GPUS, Device, cpu_device
from llmtrain_planner.serving import require_servable, service_of
from llmtrain_planner.stage_plan import StageRequest, plan_stage

DEFAULT_GPU = "h100-sxm"


@dataclass(frozen=True)
class PlanOptions:
    """Assumptions beside the manifest."""

    device: str | None = None
    """Name in the hardware table; by default `cpu` for trainers without GPUs, else `h100-sxm`."""
    mfu: float | None = None
    """Share of the device's peak that becomes useful work, without activation checkpointing; by
    default what was measured, or is assumed, for device and model."""
    price_usd_per_device_hour: float | None = None
    vocabulary_size: int | None = None
    """Vocabulary size if neither model nor tokenizer gives it: with a pretrained tokenizer."""
    counted_tokens: Mapping[Stage, int] = field(default_factory=dict)
    """Tokens in one pass over the own data of a stage that brings some."""


def plan_job(
    spec: JobSpec, options: PlanOptions, *, pretrained: Architecture | None = None
) -> Plan:
    """Plan a job's training stages.

    Args:
        spec: the manifest's.
        options: what the manifest does not say.
        pretrained: the shape of the model that `model.initFrom` names.

    Raises:
        PlanError: something that the plan needs is unknown or impossible.
    """
    device = _device(spec.compute.trainers, options)
    hardware = HardwarePlan(
        device=device.name,
        workers=spec.compute.trainers.num_workers,
        memory_bytes=device.memory_bytes,
        price_usd_per_device_hour=options.price_usd_per_device_hour,
    )
    if spec.model is None or not spec.trainings:
        return Plan(hardware=hardware, notes=("The job trains nothing: there is no plan to make.",))
    architecture = _architecture(spec, spec.model, options, pretrained)
    parameters = count_parameters(architecture)
    stages = tuple(
        plan_stage(request, architecture, device, hardware)
        for request in _requests(spec, spec.model, parameters, options)
    )
    return Plan(
        hardware=hardware,
        model=_model_plan(architecture, parameters),
        stages=stages,
        duration_seconds=_sum([stage.duration_seconds for stage in stages]),
        cost_usd=_sum([stage.cost_usd for stage in stages]),
        notes=(*_notes(spec, options, device, stages), *_serving_notes(spec, architecture)),
    )


def _device(trainers: Trainers, options: PlanOptions) -> Device:
    if trainers.gpus == 0:
        if options.device not in {None, CPU}:
            raise PlanError(
                f"spec.compute.trainers.gpus is 0, so the job trains on CPUs, not on "
                f"{options.device}; set gpus, or plan for {CPU}"
            )
        return cpu_device(trainers.cpus, memory_bytes(trainers.memory))
    name = options.device or DEFAULT_GPU
    if name not in GPUS:
        raise PlanError(f"hardware {name!r} is not in the table; it has {', '.join(GPUS)}")
    return GPUS[name]


def _architecture(
    spec: JobSpec, model: Model, options: PlanOptions, pretrained: Architecture | None
) -> Architecture:
    if model.init_from is not None:
        if pretrained is None:
            raise PlanError(
                f"spec.model.initFrom: the shape of {model.init_from} is unknown; "
                "give a local folder with its config.json"
            )
        for stage, training in spec.trainings.items():
            if training.sequence_length > pretrained.context_length:
                raise PlanError(
                    f"spec.{stage}.sequenceLength: {training.sequence_length} is longer than the "
                    f"context of {model.init_from}, {pretrained.context_length} tokens; "
                    "set that, or less"
                )
        return pretrained
    learned = spec.tokenizer.vocabulary_size if spec.tokenizer else None
    vocabulary_size = model.vocabulary_size or learned or options.vocabulary_size
    new_model = spec.new_model_training
    if vocabulary_size is None or new_model is None:
        raise PlanError(
            "the size of the vocabulary is unknown: a pretrained tokenizer is not read to plan; "
            "set spec.model.vocabularySize, or give --vocabulary-size"
        )
    try:
        return resolve_architecture(
            model,
            vocabulary_size=vocabulary_size,
            context_length=new_model.sequence_length,
        )
    except ValueError as error:
        raise PlanError(f"spec.{error}") from error


def _model_plan(architecture: Architecture, parameters: int) -> ModelPlan:
    return ModelPlan(
        family=Family.of(architecture.family),
        parameters=parameters,
        layers=architecture.layers,
        hidden_size=architecture.hidden_size,
        heads=architecture.attention.heads,
        key_value_heads=architecture.attention.key_value_heads,
        intermediate_size=architecture.feed_forward.width,
        vocabulary_size=architecture.vocabulary_size,
        context_length=architecture.context_length,
        tie_embeddings=architecture.tie_embeddings,
    )


def _requests(
    spec: JobSpec, model: Model, parameters: int, options: PlanOptions
) -> list[StageRequest]:
    return [
        StageRequest(
            stage=stage,
            training=training,
            trainers=spec.compute.trainers,
            tokens=training.total_tokens(parameters, options.counted_tokens.get(stage)),
            dropout=bool(model.dropout),
            mfu=options.mfu,
        )
        for stage, training in spec.trainings.items()
    ]


def _sum(values: list[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) if len(known) == len(values) else None


def _notes(
    spec: JobSpec, options: PlanOptions, device: Device, stages: tuple[StagePlan, ...]
) -> list[str]:
    notes = [*_waiting_notes(spec.compute.trainers, stages)]
    if options.device is None and not device.is_cpu:
        notes.append(f"The manifest names no kind of GPU: {device.name} is assumed.")
    if unknown := [stage.stage for stage in stages if stage.tokens is None]:
        notes.append(
            "How many tokens the conversations hold is unknown before they are read, and so are "
            f"the time and the cost of {' and '.join(unknown)}: give --finetune-tokens."
        )
    if options.price_usd_per_device_hour is None:
        notes.append("No price is given, so no cost: give --price.")
    if any(stage.memory.offload is not Offload.NONE for stage in stages):
        notes.append("Offloading slows each step down; by how much is not planned.")
    notes.append(
        "Time and cost are those of the training steps: data, validation, checkpoints, "
        "evaluation and waiting for machines come on top."
    )
    return notes


_GIB = 2**30


def _serving_notes(spec: JobSpec, architecture: Architecture) -> Iterator[str]:
    """Notes on the memory of the service that the export describes."""
    section = spec.export.ray_service if spec.export else None
    if section is None:
        return
    try:
        memory = require_servable(architecture, service_of(section, architecture))
    except PlanError as error:
        stage = "first" if _is_known_at_first(spec) else "export"
        yield f"The {stage} stage will refuse export.rayService: {error}."
        return
    yield (
        f"export.rayService: each GPU needs {memory.needed / _GIB:.1f} GiB, and vLLM may take "
        f"{memory.usable / _GIB:.1f} GiB: weights {memory.weights / _GIB:.1f}, keys and values of "
        f"{section.concurrent_sequences} sequences {memory.cache / _GIB:.1f}."
    )


def _is_known_at_first(spec: JobSpec) -> bool:
    """Whether the first stage knows the model's shape, with the size of its vocabulary."""
    model, learned = spec.model, spec.tokenizer and spec.tokenizer.vocabulary_size
    return model is not None and bool(model.init_from or model.vocabulary_size or learned)


def _waiting_notes(trainers: Trainers, stages: tuple[StagePlan, ...]) -> Iterator[str]:
    """Notes on stages whose hosts have no room for the copy of a checkpoint (ADR 33)."""
    for stage in stages:
        memory = stage.memory
        enough = memory.host_needed_bytes
        if memory.fits and memory.copy_bytes and enough > memory_bytes(trainers.memory):
            yield (
                f"{stage.stage}: training waits for each checkpoint, since a replica's memory has "
                f"no room for a copy of the state, {memory.copy_bytes / 1e9:.1f} GB on rank 0; to "
                f"go on meanwhile, set spec.compute.trainers.memory to {-(-enough // _GIB)}Gi."
            )
