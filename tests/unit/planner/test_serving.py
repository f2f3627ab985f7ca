"""Memory of a GPU that serves a model with vLLM, and services that are refused."""

from dataclasses import replace
from typing import Any

import pytest

from llmtrain_api.families import Family
from llmtrain_api.families.base import Architecture
from llmtrain_planner.architecture import PlanError, architecture_from_config
from llmtrain_planner.serving import Service, require_servable, serving_memory

_GIB = 2**30
_7B = {
    "model_type": "llama",
    "vocab_size": 32000,
    "hidden_size": 4096,
    "intermediate_size": 11008,
    "num_hidden_layers": 32,
    "num_attention_heads": 32,
    "max_position_embeddings": 4096,
}
_DIVISIBLE_BY_3 = {
    "hidden_size": 3072,
    "num_attention_heads": 24,
    "intermediate_size": 11008 - 11008 % 3,
}
"""Heads and width."""
_SERVICE = Service(gpus=1, gpu_memory_bytes=80 * _GIB, context_length=4096, concurrent_sequences=16)


def _shape(**changes: object) -> Architecture:
    return architecture_from_config(_7B | changes)


def test_llama_2_of_7b_takes_half_a_mebibyte_for_each_token() -> None:
    """2 x 32 layers x 32 heads x 128 x 2 bytes; its 6,738,415,616 parameters take 12.6 GiB."""
    memory = require_servable(_shape(), _SERVICE)
    assert memory.cache == 16 * 4096 * 512 * 1024
    assert memory.weights == 2 * 6_738_415_616
    assert memory.usable == int(0.9 * 80 * _GIB)
    assert 0 < memory.working < _GIB


def test_a_token_of_opt_13b_takes_800_kb() -> None:
    """The figure of Kwon et al. 2023, section 3, for the same sizes: 2 x 5120 x 40 x 2 bytes."""
    shape = _shape(hidden_size=5120, num_hidden_layers=40, num_attention_heads=40)
    one = replace(_SERVICE, concurrent_sequences=1, context_length=16)
    assert serving_memory(shape, one).cache == 16 * 800 * 1024


@pytest.mark.parametrize(
    ("heads", "gpus", "share"),
    [(32, 4, 4), (8, 2, 2), (8, 8, 8), (2, 8, 2), (1, 4, 1)],
)
def test_gpus_share_heads_and_repeat_them_where_there_are_too_few(
    heads: int, gpus: int, share: int
) -> None:
    shape = _shape(num_key_value_heads=heads)
    alone = require_servable(shape, _SERVICE)
    each = require_servable(shape, replace(_SERVICE, gpus=gpus))
    assert each.cache * share == alone.cache
    assert each.weights == -(-alone.weights // gpus)


def test_whole_blocks_of_16_tokens_are_counted() -> None:
    cache = [
        serving_memory(_shape(), replace(_SERVICE, context_length=length)).cache
        for length in (1, 16, 17)
    ]
    assert cache[0] == cache[1] == cache[2] // 2


def test_what_fits_exactly_fits_and_a_byte_less_does_not() -> None:
    memory = serving_memory(_shape(), _SERVICE)
    enough = -(-memory.needed * 10 // 9)
    assert require_servable(_shape(), replace(_SERVICE, gpu_memory_bytes=enough)).fits
    with pytest.raises(PlanError, match=r"each GPU needs 44\.7 GiB"):
        require_servable(_shape(), replace(_SERVICE, gpu_memory_bytes=enough - 2))


@pytest.mark.parametrize(
    ("changes", "service", "words"),
    [
        ({}, {"context_length": 4097}, "contextLength is 4097; the model reads at most 4096"),
        ({}, {"gpus": 3}, "gpusPerReplica is 3, which does not divide the model's attention heads"),
        ({"intermediate_size": 11007}, {"gpus": 2}, "model's feed-forward width, 11007"),
        ({"num_key_value_heads": 16}, {"gpus": 32}, None),
        (
            {"num_key_value_heads": 6, "num_attention_heads": 24, "hidden_size": 3072},
            {"gpus": 4},
            "should divide the model's 6 heads of keys and values, or be a multiple",
        ),
        (_DIVISIBLE_BY_3, {"gpus": 3}, "vocabulary, 32000 tokens, 32000 as vLLM pads"),
        (_DIVISIBLE_BY_3 | {"vocab_size": 31999}, {"gpus": 3}, "vocabulary, 31999 tokens, 32000"),
        (_DIVISIBLE_BY_3 | {"vocab_size": 32002}, {"gpus": 3}, None),  # 32,064 as padded
        ({"vocab_size": 32001}, {"gpus": 16}, None),
        ({}, {"concurrent_sequences": 64}, "lower contextLength or concurrentSequences"),
    ],
)
def test_a_service_that_vllm_could_not_run_is_refused(
    changes: dict[str, Any], service: dict[str, Any], words: str | None
) -> None:
    shape, asked = _shape(**changes), replace(_SERVICE, **service)
    if words is None:
        assert require_servable(shape, asked).fits
        return
    with pytest.raises(PlanError, match=words):
        require_servable(shape, asked)


def test_a_family_that_vllm_does_not_have_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(Family.LLAMA.definition), "vllm_architecture", None)
    with pytest.raises(PlanError, match="vLLM has no implementation of llama models"):
        require_servable(_shape(), _SERVICE)


@pytest.mark.parametrize("family", Family)
def test_the_name_in_vllm_is_that_of_the_class_in_transformers(family: Family) -> None:
    from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING_NAMES

    name = family.definition.vllm_architecture
    assert name in {None, MODEL_FOR_CAUSAL_LM_MAPPING_NAMES[family.value]}
