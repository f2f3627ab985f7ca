"""torch.compile, block by block: all blocks of a model share the code compiled for the first."""

import logging
import shutil
from collections.abc import Sequence

import torch
from torch import nn
from torch._dynamo.utils import counters
from transformers import PreTrainedModel
from transformers.modeling_layers import GradientCheckpointingLayer

from llmtrain_api.families import find_family
from llmtrain_api.spec.training import ActivationCheckpointing

_log = logging.getLogger(__name__)


def is_compiled(wanted: bool | None, device: torch.device) -> bool:  # noqa: FBT001 - a field
    """Whether blocks are compiled.

    By default they are where that pays off: on a CPU it takes longer than a small run has to gain,
    and without a compiler it fails.

    Args:
        wanted: the field `compile` of the stage; None where the manifest does not say.
        device: what the rank computes on.
    """
    if wanted is not None:
        return wanted
    if device.type != "cuda":
        return False
    if all(shutil.which(name) is None for name in ("g++", "c++", "clang++")):
        _log.warning("blocks are not compiled: this machine has no C++ compiler, such as g++")
        return False
    return True


def may_compile(
    model: PreTrainedModel, *, balanced: bool, recomputed: ActivationCheckpointing
) -> bool:
    """Whether the blocks of a model can be compiled as they are.

    Args:
        model: the model.
        balanced: whether the logits of routers are taken out of them.
        recomputed: how they are computed again; not `auto`.
    """
    family = find_family(model.config.model_type)
    if family is not None and not family.compiles:
        _log.warning("blocks of the family %s are not compiled: torch fails on them", family.name)
        return False
    if not balanced or recomputed is ActivationCheckpointing.NONE:
        return True
    # torch.compile takes nothing but results out of a region that it computes again.
    _log.warning("blocks with experts are not compiled where they are computed again")
    return False


def compile_blocks(model: nn.Module, *, whole: bool, backend: str = "inductor") -> int:
    """Have the transformer blocks of a model compiled when they are first called.

    A block is compiled in a tenth of the time of a whole model, and blocks of the same kind share
    what was compiled. What lies outside, the embedding and the final norm, stays as it is.

    Args:
        model: it is changed.
        whole: fail where a block cannot be compiled as one graph. Hooks of ZeRO stage 3 cannot.
        backend: what generates the code; a name that torch knows.

    Returns:
        The number of blocks.
    """
    blocks = blocks_of(model)
    for block in blocks:
        block.forward = torch.compile(block.forward, fullgraph=whole, backend=backend)
    return len(blocks)


def blocks_of(model: nn.Module) -> Sequence[nn.Module]:
    """The modules that `transformers` recomputes as a whole: its own mark of a block."""
    return [module for module in model.modules() if isinstance(module, GradientCheckpointingLayer)]


def forget_compiled() -> None:
    """Forget all that was compiled in this process, and the counts of it."""
    torch.compiler.reset()
    counters.clear()


class CompileWatch:
    """Reports what was compiled during warm-up, and warns of what is compiled after it."""

    _WARM_UP_STEPS = 2

    def __init__(self) -> None:
        self._steps = 0
        self._graphs = 0

    def after_step(self) -> None:
        """Look at torch's counters after an optimizer step."""
        self._steps += 1
        graphs = counters["stats"]["unique_graphs"]
        if self._steps == self._WARM_UP_STEPS and graphs:
            breaks = sum(counters["graph_break"].values())
            _log.info("torch.compile made %d graphs, with %d graph breaks", graphs, breaks)
        elif self._steps > self._WARM_UP_STEPS and graphs > self._graphs:
            _log.warning(
                "torch.compile made %d more graphs after warm-up, in step %d of this attempt; "
                "each of them delays training",
                graphs - self._graphs,
                self._steps,
            )
        self._graphs = graphs
