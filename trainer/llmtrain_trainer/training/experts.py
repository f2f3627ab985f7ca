"""The term of the loss that has the experts of a block evenly used.

Fedus et al. 2021 (Switch Transformer), equations 4 to 6, for several experts a token and over all
layers together, as `transformers` computes it: E times the sum of f x P over the E experts. There f
is the share of tokens that go through an expert, and P its mean probability, both over all layers.
Where all experts are used alike, the term is the number of experts that a token goes through.

`transformers` computes it when it is asked for router logits, but not with a mask of documents, and
counts padding then. So the routers' logits are taken here as they are computed.
"""

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from llmtrain_api.families import find_family
from llmtrain_trainer.training.samples import IGNORED

_TAKES, _LOGITS = "takes_logits", "taken_logits"
"""Attributes of a router. Both are on the module, and not in a list of all: then blocks share what
torch.compile has made of the first."""


class ExpertBalance:
    """Takes the logits of a model's routers in each forward pass of training.

    Args:
        routers: modules whose first output is logits (N, E).
        per_token: experts that a token goes through.
        weight: weight of the term in the loss.
    """

    def __init__(self, routers: list[nn.Module], *, per_token: int, weight: float) -> None:
        self._routers, self._per_token, self._weight = routers, per_token, weight
        self._seen: Tensor | None = None
        for router in routers:
            setattr(router, _TAKES, False)
            setattr(router, _LOGITS, None)
            router.register_forward_hook(_take)

    def start(self) -> None:
        """Take the logits of the forward pass that follows."""
        for router in self._routers:
            setattr(router, _TAKES, True)

    def term(self, labels: Tensor) -> Tensor:
        """The term for the forward pass since `start`, times its labels that count.

        So it is weighted as the summed loss of these labels is. Blocks that are computed again in
        the backward pass are not looked at.

        Args:
            labels: (B, T); `IGNORED` where a position does not count.

        Returns:
            A scalar.
        """
        logits: list[Tensor] = []
        for router in self._routers:
            logits.append(getattr(router, _LOGITS))
            setattr(router, _TAKES, False)
            setattr(router, _LOGITS, None)
        counted = labels != IGNORED
        # After the last label of a sequence there is padding, or nothing that anybody predicts.
        is_read = counted.flip(1).cumsum(dim=1).flip(1) > 0
        balance = counted.sum() * balance_loss(logits, self._per_token, is_read.flatten())
        self._seen = balance.detach() if self._seen is None else self._seen + balance.detach()
        return self._weight * balance

    def take_seen(self) -> Tensor:
        """The terms since the last call, without their weight, each times its labels; a scalar."""
        seen, self._seen = self._seen, None
        assert seen is not None, "a step has forward passes"
        return seen


def _take(router: nn.Module, _inputs: object, outputs: tuple[Tensor, ...]) -> None:
    if getattr(router, _TAKES):
        setattr(router, _LOGITS, outputs[0])


def balance_loss(logits: list[Tensor], per_token: int, is_read: Tensor) -> Tensor:
    """The balance term of some layers, in fp32.

    Args:
        logits: logits of each layer's router, (N, E).
        per_token: experts that a token goes through.
        is_read: (N,), whether a token counts.

    Returns:
        A scalar; 0 where no token counts.
    """
    counts = is_read.float()[:, None]
    used = torch.zeros(logits[0].shape[1], device=counts.device)
    likely = torch.zeros_like(used)
    for layer in logits:
        probabilities = layer.float().softmax(dim=-1)
        chosen = probabilities.topk(per_token, dim=-1).indices
        used = used.scatter_add(0, chosen.flatten(), counts.expand_as(chosen).flatten())
        likely = likely + (probabilities * counts).sum(dim=0)
    rows = (counts.sum() * len(logits)).clamp(min=1)
    return used.numel() * ((used / rows) * (likely / rows)).sum()


def watch_experts(model: PreTrainedModel) -> ExpertBalance | None:
    """The balance of a model's experts; None for a model without, and where its weight is 0.

    Args:
        model: its routers get hooks.
    """
    family = find_family(model.config.model_type)
    if family is None or family.new_experts is None:
        return None
    keys = family.keys
    assert keys.balance_weight is not None
    assert keys.experts_per_token is not None
    weight: float = getattr(model.config, keys.balance_weight)
    if not weight:
        return None
    # Each family has a class of its own; their names end alike.
    routers = [each for each in model.modules() if type(each).__name__.endswith("TopKRouter")]
    assert routers, f"no routers found in a model of the family {family.name}"
    return ExpertBalance(
        routers, per_token=getattr(model.config, keys.experts_per_token), weight=weight
    )
