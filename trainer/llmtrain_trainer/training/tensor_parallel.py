"""Tensor parallelism by DeepSpeed's AutoTP: its settings, and what it leaves to do.

Each rank of a tensor group holds some heads of attention and some of the feed-forward layer's width
(Shoeybi et al. 2019, Megatron-LM). Embeddings, norms and the output layer are whole on every rank,
so each of them computes the loss of the same sequences, and all of it.
"""

import re
from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn
from torch import distributed as dist
from transformers import PreTrainedModel

from llmtrain_api.families import find_family
from llmtrain_api.families.base import Architecture
from llmtrain_api.families.shape import TensorSplit
from llmtrain_api.tensor_rules import shape_fault
from llmtrain_planner.memory import reduce_bucket_parameters
from llmtrain_trainer.errors import UserError
from llmtrain_trainer.training.mesh import Mesh
from llmtrain_trainer.training.task import TrainingTask


def require_splittable(task: TrainingTask, tensor: int) -> Architecture:
    """The shape of a model that is to be split into so many parts.

    Raises:
        UserError: it cannot be.
    """
    field = f"{task.stage}.parallel.tensor"
    if task.architecture is None:
        raise UserError(f"{field} is {tensor}; a model of an unknown family is not split: set 1")
    fault = shape_fault(task.architecture, tensor)
    if fault is not None:
        raise UserError(f"{field} is {tensor}; {fault}")
    return task.architecture


def split_model(config: dict[str, Any], model: nn.Module, split: TensorSplit, tensor: int) -> None:
    """Have DeepSpeed split a model: the layers by name, so that it guesses none.

    Args:
        config: DeepSpeed's configuration; it is changed.
        model: the model, yet whole.
        split: the layers of its family.
        tensor: number of parts.

    Raises:
        UserError: it has dropout.
    """
    _require_no_dropout(model)
    layers: list[dict[str, Any]] = [
        {"patterns": [_pattern(split.columns)], "partition_type": "column"},
        {"patterns": [_pattern(split.rows)], "partition_type": "row"},
    ]
    if split.partial:
        partial = {"patterns": [_pattern(split.partial)], "partition_type": "skip"}
        layers.append(partial | {"grad_allreduce": True})
    config["tensor_parallel"] = {
        "autotp_size": tensor,
        "vocab_parallel_lm_head": False,
        "partition_config": {"use_default_specs": False, "layer_specs": layers},
    }
    is_split = re.compile(_pattern([*split.columns, *split.rows]))
    learning = sum(
        parameter.numel() // (tensor if is_split.match(name) else 1)
        for name, parameter in model.named_parameters()
        if parameter.requires_grad
    )
    config["zero_optimization"]["reduce_bucket_size"] = reduce_bucket_parameters(learning)


def _require_no_dropout(model: PreTrainedModel) -> None:
    family = find_family(model.config.model_type)
    assert family is not None, "a model of an unknown family is not split"
    for key in family.dropouts:
        if probability := getattr(model.config, key):
            raise UserError(
                f"parallel.tensor above 1 needs a model without dropout; {key} of this one is "
                f"{probability}: set model.dropout: 0"
            )


def _pattern(ends: Iterable[str]) -> str:
    return rf".*\.({'|'.join(map(re.escape, ends))})\.weight$"


def joined_tensor_group(engine: Any, mesh: Mesh) -> dist.ProcessGroup:  # noqa: ANN401 - DeepSpeed has no types
    """The group of ranks that share a model with this one: those of the mesh.

    Args:
        engine: DeepSpeed's, which has made it.
        mesh: by which the ranks take their sequences.
    """
    group: dist.ProcessGroup = engine.mpu.get_tensor_model_parallel_group()
    first = mesh.rank - mesh.tensor.rank
    expected = list(range(first, first + mesh.tensor.size))
    assert dist.get_process_group_ranks(group) == expected, "DeepSpeed arranged the ranks otherwise"
    # The mesh gives these ranks the same sequences. DeepSpeed would compare the first ones as
    # pickles, and knows no class of ours.
    engine.first_dataloader_check.remove()
    return group


def is_part(parameter: nn.Parameter) -> bool:
    """Whether a rank holds a part of a weight, and not the whole."""
    return bool(getattr(parameter, "tensor_model_parallel", False))


def whole(parameter: nn.Parameter) -> Tensor:
    """A weight put together from the parts of all tensor ranks. Collective.

    Args:
        parameter: not sharded by ZeRO, or gathered; it is left as it is.
    """
    weight = parameter.detach()
    if is_part(parameter):
        # AutoTP puts the whole in the place of what it is given: here, a second view of the part.
        parameter.gather_params([weight])  # type: ignore[attr-defined]  # AutoTP's own attribute
    return weight


def gradient_norm(parameters: Iterable[nn.Parameter], group: dist.ProcessGroup | None) -> Tensor:
    """The norm of all gradients, in which what is whole on each rank counts once.

    Args:
        parameters: this rank's.
        group: the ranks that share a model; None where each has all of it.
    """
    if group is None:
        return torch.nn.utils.get_total_norm([p.grad for p in parameters if p.grad is not None])
    is_first = dist.get_rank(group) == 0
    gradients = [p.grad for p in parameters if p.grad is not None and (is_first or is_part(p))]
    squared = torch.nn.utils.get_total_norm(gradients).square()
    dist.all_reduce(squared, group=group)
    return squared.sqrt()
