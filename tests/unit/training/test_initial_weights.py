"""The initial weights of a new model follow from the seed alone."""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

import pytest
import torch
from support.architectures import tiny_shape
from torch import Tensor
from transformers import AutoModelForCausalLM, PreTrainedModel

from llmtrain_api.families import Family
from llmtrain_api.spec.model import Model
from llmtrain_trainer.models.build import initialize, new_model
from llmtrain_trainer.models.config import model_config
from llmtrain_trainer.models.recipe import new_recipe


@contextmanager
def unset_memory_is_nan() -> Iterator[None]:
    torch.use_deterministic_algorithms(mode=True)
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(mode=False)


def weights(model: PreTrainedModel, seed: int) -> dict[str, Tensor]:
    initialize(model, seed=seed, gather=lambda _parameters: nullcontext())
    return {**dict(model.named_parameters()), **dict(model.named_buffers())}


@pytest.mark.parametrize("family", Family)
def test_a_model_that_draws_once_is_the_one_that_was_drawn_before(family: Family) -> None:
    config = model_config(tiny_shape(family), dropout=0.0)
    with unset_memory_is_nan():
        once, another = (weights(new_model(config), seed) for seed in (7, 8))
    twice = weights(AutoModelForCausalLM.from_config(config), 7)
    torch.testing.assert_close(once, twice, rtol=0, atol=0)
    assert any(not torch.equal(once[name], another[name]) for name in once)


@pytest.mark.parametrize("tied", [True, False])
def test_tied_weights_are_one_tensor(*, tied: bool) -> None:
    config = model_config(tiny_shape(Family.LLAMA), dropout=0.0)
    config.tie_word_embeddings = tied
    model = new_model(config)
    same = model.get_output_embeddings().weight is model.get_input_embeddings().weight
    assert same is tied


@pytest.mark.parametrize("family", Family)
def test_depth_scaled_weights_are_smaller_where_they_write_into_the_residual_stream(
    family: Family,
) -> None:
    layers = 3
    config = model_config(tiny_shape(family, layers=layers), dropout=0.0)
    plain, scaled = (new_model(config) for _ in range(2))
    for model, depth_scaled in ((plain, False), (scaled, True)):
        initialize(model, seed=7, gather=lambda _: nullcontext(), depth_scaled=depth_scaled)
    found = []
    for (name, before), after in zip(plain.named_parameters(), scaled.parameters(), strict=True):
        if not torch.equal(before, after):
            torch.testing.assert_close(after, before / (2 * layers) ** 0.5)
            found.append(name)
    is_always = not family.definition.residual_outputs
    assert len(found) == (0 if is_always else 2 * layers)
    if is_always:  # by its own rule
        output = plain.get_submodule("transformer.h.0.mlp.c_proj").weight
        assert output.std().item() == pytest.approx(0.02 / (2 * layers) ** 0.5, rel=0.05)


def test_another_way_to_draw_weights_is_another_model() -> None:
    shape = {"layers": 2, "hiddenSize": 32, "heads": 4, "family": "mixtral"}
    changes = ({}, {"initialization": "depthScaled"}, {"balanceWeight": 0.1}, {"experts": 4})
    recipes = [
        new_recipe(Model.model_validate(shape | each), vocabulary_size=300, context_length=16)
        for each in changes
    ]
    assert len({each.fingerprint for each in recipes}) == len(changes)
