"""A family with experts counts all of them as parameters, and a token's share of them as FLOPs."""

from collections.abc import Mapping
from fractions import Fraction
from typing import ClassVar

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode
from transformers import AutoConfig, AutoModelForCausalLM

from llmtrain_api.families.base import Architecture
from llmtrain_api.families.llama import Llama
from llmtrain_api.families.shape import Attention, FeedForward, Matrix
from llmtrain_planner.architecture import count_parameters
from llmtrain_planner.flops import training_flops_per_token

EXPERTS, PER_TOKEN, LENGTH = 8, 2, 64


class Mixtral(Llama):
    """A family as a new file would define it: the feed-forward layer is a router and experts."""

    name = "mixtral"
    constants: ClassVar[Mapping[str, object]] = {
        "num_local_experts": EXPERTS,
        "num_experts_per_tok": PER_TOKEN,
    }

    def block_matrices(self, shape: Architecture) -> tuple[Matrix, ...]:
        """Attention as in the parent; the router; gate and up of an expert in one; down."""
        width, inner = shape.hidden_size, shape.feed_forward.width
        share = Fraction(PER_TOKEN, EXPERTS)
        return (
            *super().block_matrices(shape)[:4],
            Matrix(width, EXPERTS),
            Matrix(width, 2 * inner, count=EXPERTS, share=share),
            Matrix(inner, width, count=EXPERTS, share=share),
        )


def test_parameters_are_total_and_flops_are_active() -> None:
    shape = Architecture(
        family=Mixtral(),
        layers=2,
        hidden_size=64,
        attention=Attention(4, key_value_heads=2, head_size=16, rotary_share=1.0, bias=False),
        feed_forward=FeedForward(100, bias=False),
        vocabulary_size=300,
        context_length=LENGTH,
        tie_embeddings=False,
    )
    config = AutoConfig.for_model(**shape.family.to_config(shape, dropout=0.0))
    model = AutoModelForCausalLM.from_config(
        config,
        attn_implementation="eager",  # torch counts no FLOPs of a CPU's fused attention
        experts_implementation="eager",
    )
    assert count_parameters(shape) == model.num_parameters()

    ids = torch.arange(2 * LENGTH).reshape(2, LENGTH)
    with FlopCounterMode(display=False) as counter:
        model(input_ids=ids, use_cache=False).logits.sum().backward()
    counted = counter.get_total_flops() / ids.numel()
    assert training_flops_per_token(shape, LENGTH) == pytest.approx(counted, rel=0.02)
