"""New models, with the same weights on every topology."""

import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager

import torch
from torch import nn
from transformers import AutoModelForCausalLM, PretrainedConfig, PreTrainedModel
from transformers.initialization import no_init_weights

from llmtrain_api.families import find_family
from llmtrain_trainer.models.config import attention_implementation

_CPU = torch.device("cpu")

Gather = Callable[[Iterable[nn.Parameter]], AbstractContextManager[object]]
"""Makes sharded parameters whole while they are written (ZeRO-3)."""


def new_model(config: PretrainedConfig) -> PreTrainedModel:
    """A model of this shape without weights: they are loaded, or drawn by `initialize`."""
    with no_init_weights():
        model: PreTrainedModel = AutoModelForCausalLM.from_config(
            config,
            dtype=torch.float32,
            attn_implementation=attention_implementation(config),
            trust_remote_code=False,
        )
    model.tie_weights()
    return model


@torch.no_grad()
def initialize(
    model: PreTrainedModel,
    *,
    seed: int,
    gather: Gather,
    device: torch.device = _CPU,
    depth_scaled: bool = False,
) -> None:
    """Give a new model its family's own initial weights, each module from its own seed.

    Seeding by module makes the weights independent of how construction was sharded, so every ZeRO
    stage and world size starts from the same model. A GPU draws other numbers than a CPU, whose one
    core takes half a second for 100M parameters.

    Args:
        model: a new model.
        seed: the job's.
        gather: makes parameters whole; a context that does nothing where none are sharded.
        device: what draws the numbers; the parameters stay where they are.
        depth_scaled: whether the weights that write into the residual stream are divided by the
            root of their number (Radford et al. 2019, section 2.3).
    """
    for name, module in reversed(list(model.named_modules())):
        # A family may rescale its children's weights, such as the residual projections.
        owned = [p for part in (module, *module.children()) for p in part.parameters(recurse=False)]
        if not owned:
            continue
        torch.manual_seed(zlib.crc32(f"{seed}/{name}".encode()))
        with gather(owned), _moved(owned, device):
            model._init_weights(module)  # noqa: SLF001 - how every family states its own scheme
    if depth_scaled:
        _scale_by_depth(model, gather)


@contextmanager
def _moved(parameters: Sequence[nn.Parameter], device: torch.device) -> Iterator[None]:
    """Have parameters on a device, and back where they were afterwards."""
    homes = [parameter.device for parameter in parameters]
    for parameter in parameters:
        parameter.data = parameter.data.to(device)
    yield
    for parameter, home in zip(parameters, homes, strict=True):
        parameter.data = parameter.data.to(home)


def _scale_by_depth(model: PreTrainedModel, gather: Gather) -> None:
    """Divide what writes into the residual stream by the root of its number: two matrices a block.

    Experts count as one matrix. A family without such names has scaled them already.
    """
    family = find_family(model.config.model_type)
    assert family is not None, "a new model is of a family in the table"
    for name, parameter in model.named_parameters():
        if name.endswith(family.residual_outputs):
            with gather([parameter]):
                parameter.div_((2 * model.config.num_hidden_layers) ** 0.5)
