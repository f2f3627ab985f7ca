"""The memory formulas against what torch really allocates in a training step."""

from itertools import product

import pytest
import torch
from support.architectures import build_model, key_value_heads
from torch.distributed._tools.mem_tracker import MemTracker

from llmtrain_api.families import DEFAULT_FAMILY, Family
from llmtrain_api.families.base import Architecture
from llmtrain_api.spec.model import Model
from llmtrain_api.spec.training import ActivationCheckpointing
from llmtrain_planner.architecture import count_parameters, resolve_architecture
from llmtrain_planner.working_memory import ForwardPass
from llmtrain_trainer.training.forward import BatchTensors, batch_loss
from llmtrain_trainer.training.output_loss import with_output_loss
from llmtrain_trainer.training.recomputation import recompute_blocks

SEQUENCES, LENGTH = 2, 256
TOKENS = SEQUENCES * LENGTH
WAYS = (
    ActivationCheckpointing.NONE,
    ActivationCheckpointing.SELECTIVE,
    ActivationCheckpointing.FULL,
)
EAGER = [family for family in Family if family.definition.attention_implementation == "eager"]
"""Scores, which they keep, are in fp32 in each type."""


def shape(
    family: Family, *, vocabulary_size: int, key_value_heads: int = 4, layers: int = 4
) -> Architecture:
    model = Model(
        family=family, layers=layers, hidden_size=256, heads=4, key_value_heads=key_value_heads
    )
    return resolve_architecture(model, vocabulary_size=vocabulary_size, context_length=LENGTH)


def peak_bytes(
    architecture: Architecture, dtype: torch.dtype, checkpointing: ActivationCheckpointing
) -> int:
    """Bytes that a forward and a backward pass hold at most, weights and gradients included.

    The gradients of a pass before are there from the start.
    """
    model = build_model(architecture, device="cpu", dtype=dtype)
    with_output_loss(model)
    recompute_blocks(model, checkpointing)
    ids = torch.zeros(SEQUENCES, LENGTH, dtype=torch.long)
    batch_loss(model, model, BatchTensors(ids, ids, None)).backward()
    tracker = MemTracker()
    tracker.track_external(model, *(p.grad for p in model.parameters() if p.grad is not None))
    with tracker:
        batch_loss(model, model, BatchTensors(ids, ids, None)).backward()
    return int(tracker.get_tracker_snapshot("peak")[torch.device("cpu")]["Total"])


@pytest.mark.parametrize(
    ("family", "vocabulary_size", "dtype", "checkpointing"),
    [
        *product(Family, [300], [torch.bfloat16], WAYS),
        # The output layer and other types are the same in each family.
        *product([DEFAULT_FAMILY], [8000], [torch.bfloat16], WAYS),
        *product([DEFAULT_FAMILY, *EAGER], [300, 8000], [torch.float32], WAYS),
    ],
)
def test_a_step_takes_what_the_plan_says(
    *,
    family: Family,
    dtype: torch.dtype,
    vocabulary_size: int,
    checkpointing: ActivationCheckpointing,
) -> None:
    architecture = shape(family, vocabulary_size=vocabulary_size)
    forward = ForwardPass(
        architecture,
        tokens=TOKENS,
        sequence_length=LENGTH,
        value_bytes=dtype.itemsize,
        autocast=False,
        dropout=False,
        output_learns=True,
        checkpointing=checkpointing,
    )
    moments = forward.loss, forward.backward
    states = 2 * count_parameters(architecture) * dtype.itemsize
    planned = states + max(moment.activations + moment.logits for moment in moments)
    assert planned == pytest.approx(peak_bytes(architecture, dtype, checkpointing), rel=0.1)


@pytest.mark.parametrize(
    ("family", "key_value_heads"), [(each, n) for each in Family for n in key_value_heads(each, 4)]
)
def test_a_block_keeps_what_the_plan_says(family: Family, key_value_heads: int) -> None:
    few, more = (
        kept_bytes(shape(family, vocabulary_size=300, key_value_heads=key_value_heads, layers=n))
        for n in (1, 2)
    )
    architecture = shape(family, vocabulary_size=300, key_value_heads=key_value_heads)
    definition = architecture.family
    planned = definition.block_activation_bytes(architecture, value_bytes=2, dropout=False)
    planned += definition.score_bytes(architecture, value_bytes=2, sequence_length=LENGTH)
    assert planned == pytest.approx((more - few) / TOKENS, rel=0.01)


def kept_bytes(architecture: Architecture) -> int:
    """Bytes that autograd keeps between forward and backward pass, weights not counted."""
    model = build_model(architecture, device="cpu", dtype=torch.bfloat16)
    with_output_loss(model)
    weights = {tensor.untyped_storage().data_ptr() for tensor in model.parameters()}
    kept: dict[int, torch.Tensor] = {}

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        address = tensor.untyped_storage().data_ptr()
        if address not in weights:
            kept[address] = tensor
        return tensor

    ids = torch.zeros(SEQUENCES, LENGTH, dtype=torch.long)
    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        batch_loss(model, model, BatchTensors(ids, ids, None))
    return sum(tensor.untyped_storage().nbytes() for tensor in kept.values())
