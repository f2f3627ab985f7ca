"""Activation checkpointing: blocks keep less, and compute it again in the backward pass."""

import logging
from functools import partial
from typing import Any, NamedTuple

import torch
from pydantic import TypeAdapter
from torch.utils.checkpoint import (
    CheckpointPolicy,
    SelectiveCheckpointContext,
    create_selective_checkpoint_contexts,
)
from transformers import PreTrainedModel

from llmtrain_api.spec.training import ActivationCheckpointing
from llmtrain_planner.checkpointing import choose_checkpointing
from llmtrain_planner.hardware import Device
from llmtrain_planner.micro_batch import least_busy
from llmtrain_planner.stage_plan import rank_setup
from llmtrain_trainer import host_memory
from llmtrain_trainer.training.mesh import Mesh, device
from llmtrain_trainer.training.task import TrainingTask

_log = logging.getLogger(__name__)

_aten = torch.ops.aten
_KEPT = frozenset(
    {
        _aten.mm.default,
        _aten.addmm.default,
        _aten.bmm.default,
        _aten._grouped_mm.default,  # noqa: SLF001 - no public name
        _aten.baddbmm.default,
        _aten._efficient_attention_forward.default,  # noqa: SLF001 - no public name
        _aten._scaled_dot_product_cudnn_attention.default,  # noqa: SLF001 - no public name
        _aten._scaled_dot_product_efficient_attention.default,  # noqa: SLF001 - no public name
        _aten._scaled_dot_product_flash_attention.default,  # noqa: SLF001 - no public name
        _aten._scaled_dot_product_flash_attention_for_cpu.default,  # noqa: SLF001 - no public name
        torch.ops.torch_attn._varlen_attn.default,  # noqa: SLF001 - no public name
    }
)
"""Matrix products and attention, whose results selective checkpointing keeps."""


def recompute_blocks(model: PreTrainedModel, how: ActivationCheckpointing) -> None:
    """Have blocks keep less for the backward pass.

    Args:
        model: it is changed.
        how: chosen, not `auto`. Offloading is full checkpointing, and `offload_inputs` besides.
    """
    if how is ActivationCheckpointing.NONE:
        return
    options: dict[str, Any] = {"use_reentrant": False}
    if how is ActivationCheckpointing.SELECTIVE:
        options["context_fn"] = partial(create_selective_checkpoint_contexts, _policy)
    model.activation_checkpointing_enable(options)


def _policy(
    _context: SelectiveCheckpointContext, operator: object, *_args: object, **_kwargs: object
) -> CheckpointPolicy:
    is_kept = operator in _KEPT
    return CheckpointPolicy.MUST_SAVE if is_kept else CheckpointPolicy.PREFER_RECOMPUTE


class _Memory(NamedTuple):
    """Memory that a rank has, in bytes."""

    device: int
    host: int
    """Its share of the machine's."""


_MEMORY: TypeAdapter[_Memory] = TypeAdapter(_Memory)


def chosen_checkpointing(task: TrainingTask, mesh: Mesh) -> ActivationCheckpointing:
    """Activation checkpointing of a stage: the manifest's, or the first that fits. Collective.

    All ranks choose the same, by what the poorest of them has: with ZeRO stage 3 they must gather
    the same weights in the same order.
    """
    wanted = task.settings.training.activation_checkpointing
    if wanted is not ActivationCheckpointing.AUTO:
        return wanted
    if device().type != "cuda" or task.architecture is None:
        return ActivationCheckpointing.NONE
    training, batch = task.settings.training, task.settings.batch
    # Not the size that is being tried: then the way would change with it.
    is_found = training.finds_micro_batch_size(on_gpus=True)
    least = least_busy(batch.share, training.sequence_length)
    size = least if is_found else batch.micro_batch_size
    total = torch.cuda.get_device_properties(device()).total_memory
    own = _Memory(total, host_memory.limit_bytes() // mesh.all.count_here())
    memories = mesh.all.gather(own, _MEMORY)
    setup = rank_setup(
        task.architecture,
        training,
        ranks=mesh.all.size,
        host_bytes=min(each.host for each in memories),
        micro_batch_size=size,
        dropout=task.dropout,
    )
    smallest = Device("gpu", 0, 0, min(each.device for each in memories))
    chosen = choose_checkpointing(setup, smallest).checkpointing
    _log.info("activation checkpointing: %s", chosen.value)
    return chosen
