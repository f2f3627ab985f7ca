"""Which device a driver's or a node label's product name means."""

import re

from llmtrain_planner.hardware import GPUS, Device

# The first that matches: `NVIDIA H100 80GB HBM3`, `NVIDIA-A100-SXM4-40GB`, `NVIDIA L40S`.
_PATTERNS = (
    (r"B200", "b200"),
    (r"H200", "h200"),
    (r"H100.*PCIe", "h100-pcie"),
    (r"H100", "h100-sxm"),
    (r"A100.*40GB", "a100-40gb"),
    (r"A100.*80GB", "a100-80gb"),
    (r"A10G", "a10g"),
    (r"L40S", "l40s"),
    (r"L4\b", "l4"),
)


def find_gpu(product: str) -> Device | None:
    """The device of a product name; None where it is not in the table."""
    for pattern, name in _PATTERNS:
        if re.search(pattern, product):
            return GPUS[name]
    return None
