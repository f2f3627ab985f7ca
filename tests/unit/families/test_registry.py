"""Every family of the table against the models that `transformers` makes of its configs.

A new family needs no test of its own: the table is the list of cases. Its parameter counts, FLOPs
and memory are compared in tests/unit/planner, its packing in tests/unit/training, its losses in
tests/training.
"""

from collections.abc import Iterator
from typing import Any

import pytest
import torch
from support.architectures import EXPERTS_WITHOUT_VALUES, WITH_EXPERTS, build_model
from support.published_models import ALIBI, PUBLISHED, published_config
from torch import nn
from torch.utils.flop_counter import FlopCounterMode
from transformers import AutoConfig, AutoModelForCausalLM, PretrainedConfig

from llmtrain_api.families import Family, find_family
from llmtrain_api.families.base import Architecture
from llmtrain_api.spec.model import Model
from llmtrain_planner.architecture import count_parameters, resolve_architecture
from llmtrain_planner.flops import training_flops_per_token
from llmtrain_trainer.models.config import model_config, set_dropout, shape_of


def shape(family: Family) -> Architecture:
    model = Model(family=family, layers=2, hidden_size=64, heads=4)
    return resolve_architecture(model, vocabulary_size=300, context_length=64)


def variants(family: Family) -> Iterator[tuple[str, dict[str, Any]]]:
    """Configs of pretrained models that differ from a new one in one key that the family reads."""
    keys, new = family.definition.keys, shape(family)
    plain = family.definition.to_config(new, dropout=0.0)
    changes: dict[str | None, object] = {
        keys.key_value_heads: 2,
        keys.head_size: 24,
        keys.attention_bias: not new.attention.bias,
        keys.feed_forward_bias: not new.feed_forward.bias,
        keys.feed_forward_width: 100,
        keys.rotary_share: 0.5,
        keys.tie_embeddings: not new.tie_embeddings,
        keys.experts: 5,
        keys.experts_per_token: 3,
        keys.window: 7,
    }
    yield f"{family}", plain
    for key, value in changes.items():
        if key is not None:
            yield f"{family}-{key}-{value}", plain | {key: value}


VARIANTS = dict(each for family in Family for each in variants(family))
VARIANTS |= {name: published_config(name) for name in PUBLISHED}


def library_config(config: dict[str, Any]) -> PretrainedConfig:
    made: PretrainedConfig = AutoConfig.for_model(**config)
    return made


@pytest.mark.parametrize("name", VARIANTS)
def test_planner_and_trainer_read_the_same_shape(name: str) -> None:
    """From config.json itself, and from what `transformers` made of it."""
    config = VARIANTS[name]
    family = find_family(config["model_type"])
    assert family is not None
    assert family.from_config(config) == shape_of(library_config(config))


@pytest.mark.parametrize("family", Family)
def test_what_a_config_leaves_out_is_as_in_transformers(family: Family) -> None:
    definition, keys = family.definition, family.definition.keys
    sizes = [keys.layers, keys.hidden_size, keys.heads, keys.vocabulary_size]
    sizes += [key for key in (keys.context_length,) if key is not None]
    if keys.feed_forward_width is not None and not definition.width_is_optional:
        sizes.append(keys.feed_forward_width)
    full = definition.to_config(shape(family), dropout=0.0)
    bare = {key: full[key] for key in ("model_type", *sizes)}
    assert definition.from_config(bare) == shape_of(library_config(bare))


@pytest.mark.parametrize("name", VARIANTS)
def test_parameters_and_flops_of_a_pretrained_model(name: str) -> None:
    config = library_config(VARIANTS[name])
    found = shape_of(config)
    assert found is not None
    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(
            config,
            attn_implementation=found.family.attention_implementation,
            experts_implementation=EXPERTS_WITHOUT_VALUES,
        )
    assert count_parameters(found) == model.num_parameters()
    ids = torch.zeros(2, 64, dtype=torch.long, device="meta")
    with FlopCounterMode(display=False) as counter:
        model(input_ids=ids).logits.sum().backward()
    counted = counter.get_total_flops() / ids.numel()
    assert training_flops_per_token(found, 64) == pytest.approx(counted, rel=0.02)


@pytest.mark.parametrize("family", Family)
def test_a_config_of_ours_says_all_and_nothing_unknown(family: Family) -> None:
    """A misspelt key would be kept by `transformers` as an attribute that nothing reads."""
    ours = family.definition.to_config(shape(family), dropout=0.25)
    known = set(library_config({"model_type": family.value}).to_dict())
    keys = family.definition.keys
    renamed = {keys.rotary_share, *family.definition.renamed.values()}  # moved, or written so
    if keys.feed_forward_width is None:
        renamed.add(keys.context_length)  # no length limits its positions
    if family in WITH_EXPERTS:
        renamed.add(keys.head_size)  # looked for, but no field
    assert set(ours) - known - renamed == set()


@pytest.mark.parametrize("family", Family)
@pytest.mark.parametrize("when", ["new", "pretrained"])
def test_dropout_is_that_of_all_the_family_has(family: Family, when: str) -> None:
    config = model_config(shape(family), dropout=0.25 if when == "new" else 0.0)
    if when == "pretrained":
        set_dropout(config, 0.25)
    assert {getattr(config, name) for name in family.definition.dropouts} == {0.25}
    model = AutoModelForCausalLM.from_config(config)
    assert {each.p for each in model.modules() if isinstance(each, nn.Dropout)} <= {0.25}
    model.train()
    ids = torch.arange(64)[None]
    with torch.no_grad():
        first, second = (model(input_ids=ids, use_cache=False).logits for _ in range(2))
    assert not torch.equal(first, second)


@pytest.mark.parametrize("family", Family)
def test_each_dropout_of_the_family_does_something(family: Family) -> None:
    for name in family.definition.dropouts:
        config = model_config(shape(family), dropout=0.0)
        if (family, name) == (Family.FALCON, "attention_dropout"):
            config = library_config(config.to_dict() | ALIBI)  # unused with rotary positions
        setattr(config, name, 0.5)
        model = AutoModelForCausalLM.from_config(config).train()
        ids = torch.arange(64)[None]
        with torch.no_grad():
            first, second = (model(input_ids=ids, use_cache=False).logits for _ in range(2))
        assert not torch.equal(first, second), name


@pytest.mark.parametrize("family", Family)
def test_attention_is_computed_as_the_family_says(family: Family) -> None:
    implementation = family.definition.attention_implementation
    fused = build_model(shape(family), attention=implementation, device="cpu").eval()
    plain = build_model(shape(family), attention="eager", device="cpu").eval()
    plain.load_state_dict(fused.state_dict())
    ids = torch.arange(64)[None]
    with torch.no_grad():
        torch.testing.assert_close(fused(input_ids=ids).logits, plain(input_ids=ids).logits)
