"""Random numbers as a function of the step, so that a resumed run draws what it would have."""

import hashlib

import torch


def seed_step(seed: int, step: int, stream: int) -> None:
    """Seed every generator of torch for one optimizer step.

    Args:
        seed: the job's.
        step: the optimizer step, from 0.
        stream: ranks of the same stream draw the same numbers.
    """
    digest = hashlib.blake2b(f"{seed}/{step}/{stream}".encode(), digest_size=8).digest()
    torch.manual_seed(int.from_bytes(digest, "little") >> 1)  # CUDA's generators too
