"""The initial weights of a new model follow from the seed alone."""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

import pytest
import torch
from support.architectures import tiny_shape
from torch import Tensor
from transformers import AutoModelForCausalLM, PreTrainedModel

from llmtrain_api.families import Family
from llmtrain_trainer.models.build import initialize, new_model
from llmtrain_trainer.models.config import model_config


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
