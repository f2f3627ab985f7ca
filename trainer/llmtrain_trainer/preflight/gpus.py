"""The check of a rank's GPU, before the ranks' group is made, which already needs it."""

import os
import platform

import torch

from llmtrain_api.names import NODE_VARIABLE
from llmtrain_trainer.errors import in_one_line


def own_node() -> str:
    """Name of the node in Kubernetes that this process runs on, or of the machine."""
    return os.environ.get(NODE_VARIABLE) or platform.node()


def fault_of_gpu(rank: int, device: torch.device) -> str | None:
    """A sentence about a GPU that this rank cannot use; None where it computes.

    Args:
        rank: this rank.
        device: device that it is to use; the CPU where it was given none.
    """
    seen = torch.cuda.device_count()
    if device.type != "cuda" or seen <= (device.index or 0):
        return (
            f"rank {rank} on node {own_node()} does not see its GPU ({seen} are visible there). "
            "Look at the driver and the device plugin of that node"
        )
    try:
        torch.ones(1, device=device).sum().item()
    except RuntimeError as error:  # an uncorrectable memory error, say
        return (
            f"rank {rank} on node {own_node()} cannot compute on its GPU {device.index}: "
            f"{in_one_line(error)}. Look at the driver's log of that node"
        )
    return None
