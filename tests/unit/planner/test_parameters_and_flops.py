"""Parameter counts and FLOPs against the models that the trainer builds."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from support.architectures import build_model
from torch.utils.flop_counter import FlopCounterMode

from llmtrain_api.families import Family
from llmtrain_api.families.base import Architecture
from llmtrain_api.spec.model import Model
from llmtrain_planner.architecture import (
    count_active_block_weights,
    count_expert_parameters,
    count_lora_parameters,
    count_parameters,
    resolve_architecture,
)
from llmtrain_planner.flops import lora_flops_per_token, training_flops_per_token
from llmtrain_trainer.finetune.lora import adapted_layers


def shape(
    family: Family, *, vocabulary_size: int = 997, context_length: int = 128, **sizes: int
) -> Architecture:
    model = Model.model_validate(
        {"family": family, "layers": 2, "hidden_size": 64, "heads": 4, **sizes}
    )
    return resolve_architecture(
        model, vocabulary_size=vocabulary_size, context_length=context_length
    )


@st.composite
def shapes(draw: st.DrawFn) -> Architecture:
    family = draw(st.sampled_from(Family))
    key_value_heads = draw(st.integers(1, 4))
    shared = family.definition.keys.key_value_heads is not None
    has_width = family.definition.keys.feed_forward_width is not None
    groups = draw(st.integers(1, 3)) if shared else 1
    heads = key_value_heads * groups
    model = Model(
        family=family,
        layers=draw(st.integers(1, 3)),
        hidden_size=heads * 2 * draw(st.integers(4, 20)),
        heads=heads,
        key_value_heads=key_value_heads,
        intermediate_size=draw(st.none() | st.integers(8, 300)) if has_width else None,
        tie_embeddings=draw(st.booleans()),
    )
    return resolve_architecture(
        model,
        vocabulary_size=draw(st.integers(300, 2000)),
        context_length=draw(st.integers(8, 300)),
    )


@settings(max_examples=40)
@given(shapes())
def test_parameters_are_those_of_the_model(architecture: Architecture) -> None:
    model = build_model(architecture)
    assert count_parameters(architecture) == sum(p.numel() for p in model.parameters())


@pytest.mark.parametrize(
    ("family", "attention"),
    [
        (family, way)
        for family in Family
        for way in sorted({"eager", family.definition.attention_implementation})
    ],
)
@pytest.mark.parametrize("sequence_length", [32, 128])
def test_flops_are_those_that_torch_counts(
    family: Family, attention: str, sequence_length: int
) -> None:
    architecture = shape(family)
    model = build_model(architecture, attention=attention)
    ids = torch.zeros(2, sequence_length, dtype=torch.long, device="meta")
    with FlopCounterMode(display=False) as counter:
        model(input_ids=ids).logits.sum().backward()
    counted = counter.get_total_flops() / ids.numel()
    assert training_flops_per_token(architecture, sequence_length) == pytest.approx(
        counted, rel=0.02
    )


def test_flops_of_grouped_query_attention() -> None:
    architecture = shape(Family.LLAMA, heads=8, key_value_heads=2)
    model = build_model(architecture, attention="eager")
    ids = torch.zeros(2, 128, dtype=torch.long, device="meta")
    with FlopCounterMode(display=False) as counter:
        model(input_ids=ids).logits.sum().backward()
    counted = counter.get_total_flops() / ids.numel()
    assert training_flops_per_token(architecture, 128) == pytest.approx(counted, rel=0.02)


@pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing`:FutureWarning")  # peft asks
@pytest.mark.parametrize("family", Family)
def test_adapters_are_those_of_peft(family: Family) -> None:
    from peft import LoraConfig, get_peft_model
    from transformers.pytorch_utils import Conv1D

    architecture = shape(family, layers=16)  # the first needs no gradient of its input
    model = build_model(architecture)
    transposed = any(isinstance(each, Conv1D) for each in model.modules())
    adapted = get_peft_model(
        model,
        LoraConfig(r=4, target_modules=adapted_layers(model), fan_in_fan_out=transposed),
    )
    trainable = sum(p.numel() for p in adapted.parameters() if p.requires_grad)
    assert count_lora_parameters(architecture, 4) == trainable

    ids = torch.zeros(2, 128, dtype=torch.long, device="meta")
    with FlopCounterMode(display=False) as counter:
        adapted(input_ids=ids).logits.sum().backward()
    counted = counter.get_total_flops() / ids.numel()
    assert lora_flops_per_token(architecture, 128, rank=4) == pytest.approx(counted, rel=0.02)


@pytest.mark.parametrize(
    ("hidden_size", "width"), [(4096, 11008), (2048, 5632), (1024, 2816), (256, 704), (960, 2560)]
)
def test_default_width_of_llamas_feed_forward_layer(hidden_size: int, width: int) -> None:
    assert shape(Family.LLAMA, hidden_size=hidden_size).feed_forward.width == width


def test_the_parameters_of_mixtral_8x7b() -> None:
    """Jiang et al. 2024: 47 billion parameters, 13 billion of them active for a token."""
    mixtral = shape(
        Family.MIXTRAL,
        layers=32,
        hidden_size=4096,
        heads=32,
        key_value_heads=8,
        intermediate_size=14336,
        vocabulary_size=32000,
        tie_embeddings=False,
    )
    assert count_parameters(mixtral) == 46_702_792_704
    assert count_expert_parameters(mixtral) == 8 * 3 * 4096 * 14336
    active = 32 * count_active_block_weights(mixtral) + 2 * 32000 * 4096
    assert active == pytest.approx(12.9e9, rel=0.01)
