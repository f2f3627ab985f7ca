"""The plan as tables for the terminal."""

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from llmtrain_api.plan import HardwarePlan, MemoryPlan, ModelPlan, Plan, StagePlan
from llmtrain_api.spec.training import Offload
from llmtrain_cli.text import amount, duration, gigabytes, money, plain


def plan_view(plan: Plan, *, name: str) -> RenderableType:
    """All tables of a plan, under the job's name."""
    parts: list[RenderableType] = [plain(f"Plan of {name}", "bold")]
    if plan.model:
        parts += [_heading("Model"), _facts(_model_facts(plan.model))]
        parts += [_heading("Hardware"), _facts(_hardware_facts(plan.hardware))]
    for stage in plan.stages:
        parts += _stage_view(stage, plan.hardware)
    if len(plan.stages) > 1 and plan.duration_seconds is not None:
        parts += [_heading("Together"), _facts(_cost_facts(plan.duration_seconds, plan.cost_usd))]
    parts += [Text(), *(plain(f"- {note}", "dim") for note in plan.notes)]
    return Group(*parts)


def _stage_view(stage: StagePlan, hardware: HardwarePlan) -> list[RenderableType]:
    return [
        _heading(f"{stage.stage.value.capitalize()}: tokens and steps"),
        _facts(_token_facts(stage, hardware)),
        _heading(f"{stage.stage.value.capitalize()}: compute, time and cost"),
        _facts(_compute_facts(stage)),
        _heading(
            f"{stage.stage.value.capitalize()}: memory of one worker, in GB "
            f"(the device has {gigabytes(hardware.memory_bytes)})"
        ),
        Padding(_memory_table(stage, hardware), (0, 0, 0, 2)),
        Padding(_verdict(stage, hardware), (0, 0, 0, 2)),
    ]


def _heading(title: str) -> Text:
    return Text(f"\n{title}", style="bold cyan")


def _facts(facts: list[tuple[str, str]]) -> Padding:
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column(style="dim", no_wrap=True)
    table.add_column()
    for label, value in facts:
        table.add_row(label, plain(value))
    return Padding(table, (0, 0, 0, 2))


def _model_facts(model: ModelPlan) -> list[tuple[str, str]]:
    heads = f"{model.heads} heads"
    if model.key_value_heads != model.heads:
        heads += f" ({model.key_value_heads} of keys and values)"
    tied = "shared by input and output" if model.tie_embeddings else "apart for input and output"
    return [
        ("family", model.family.value),
        ("parameters", f"{model.parameters:,}  ({amount(model.parameters)})"),
        ("layers", f"{model.layers}, each with {heads}"),
        ("width", f"{model.hidden_size:,}, feed-forward {model.intermediate_size:,}"),
        ("embedding", f"{model.vocabulary_size:,} tokens, {tied}"),
        ("context", f"{model.context_length:,} tokens"),
    ]


def _hardware_facts(hardware: HardwarePlan) -> list[tuple[str, str]]:
    facts = [("workers", f"{hardware.workers:,} x {hardware.device}")]
    if hardware.price_usd_per_device_hour is not None:
        facts.append(("price", f"{money(hardware.price_usd_per_device_hour)} a device and hour"))
    return facts


def _token_facts(stage: StagePlan, hardware: HardwarePlan) -> list[tuple[str, str]]:
    size = f"{stage.micro_batch_size:,}"
    if stage.finds_micro_batch_size:
        size = f"auto (planned: {size})"
    sequences = f"{size} sequences of {stage.sequence_length:,} tokens"
    return [
        ("tokens", "unknown" if stage.tokens is None else f"{stage.tokens:,}"),
        ("steps", "unknown" if stage.steps is None else f"{stage.steps:,}"),
        ("batch", f"{stage.batch_tokens:,} tokens on {hardware.workers:,} workers"),
        ("worker's share", f"{stage.accumulation_steps:,} x {sequences}"),
    ]


def _compute_facts(stage: StagePlan) -> list[tuple[str, str]]:
    facts = [
        ("learning", f"{stage.trainable_parameters:,} parameters"),
        ("activation checkpointing", stage.memory.activation_checkpointing.value),
        ("FLOPs per token", f"{stage.flops_per_token:.3g}"),
        ("FLOPs", "unknown" if stage.flops is None else f"{stage.flops:.3g}"),
        ("peak per device", f"{stage.peak_flops:.3g} FLOPs per second"),
        ("utilization", f"{stage.mfu:.0%} of the peak ({stage.mfu_source})"),
    ]
    if stage.duration_seconds is None:
        return [*facts, ("time", "unknown")]
    return facts + _cost_facts(stage.duration_seconds, stage.cost_usd)


def _cost_facts(seconds: float, cost_usd: float | None) -> list[tuple[str, str]]:
    facts = [("time", duration(seconds))]
    if cost_usd is not None:
        facts.append(("cost", money(cost_usd)))
    return facts


def _memory_table(stage: StagePlan, hardware: HardwarePlan) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0), header_style="dim")
    table.add_column("ZeRO", no_wrap=True)
    table.add_column("offload", no_wrap=True)
    for title in ("weights", "grads", "optim", "activ", "logits", "other", "total", "host"):
        table.add_column(title, justify="right", no_wrap=True)
    table.add_column("", no_wrap=True)
    for memory in stage.alternatives:
        chosen = memory == stage.memory
        table.add_row(*_memory_row(memory, hardware, chosen=chosen), style="bold" if chosen else "")
    return table


def _memory_row(
    memory: MemoryPlan, hardware: HardwarePlan, *, chosen: bool
) -> list[RenderableType]:
    return [
        f"{'>' if chosen else ' '} {int(memory.zero_stage)}",
        "" if memory.offload is Offload.NONE else memory.offload.value,
        gigabytes(memory.weights_bytes),
        gigabytes(memory.gradients_bytes),
        gigabytes(memory.optimizer_bytes),
        gigabytes(memory.activations_bytes),
        gigabytes(memory.logits_bytes),
        gigabytes(memory.step_bytes + memory.buffers_bytes + memory.overhead_bytes),
        gigabytes(memory.total_bytes),
        gigabytes(memory.host_bytes) if memory.host_bytes else "",
        _fit_word(memory, hardware),
    ]


def _fit_word(memory: MemoryPlan, hardware: HardwarePlan) -> Text:
    if memory.fits:
        return Text("fits", "green")
    room_on_device = memory.total_bytes <= hardware.memory_bytes
    return Text("no: host" if room_on_device else "no", "red")


def _verdict(stage: StagePlan, hardware: HardwarePlan) -> RenderableType:
    if stage.memory.fits:
        share = stage.memory.total_bytes / hardware.memory_bytes
        return Text(f"It fits: {share:.0%} of the device's memory.", "green")
    if not stage.changes:
        return Text("It does not fit, and no change to this stage's settings makes it fit.", "red")
    lines = [Text("It does not fit. The smallest change that makes it fit:", "red")]
    for change in stage.changes:
        value = str(change.value).lower() if isinstance(change.value, bool) else change.value
        lines.append(plain(f"  {change.field}: {value}", "yellow"))
    return Group(*lines)
