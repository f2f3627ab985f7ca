"""Bandwidths among ranks: an all-reduce of all, and exchanges of neighbours.

An exchange sends and receives the same number of bytes at once, which is the traffic of an
all-reduce of two ranks. Unlike that it needs no process group for each pair, and so no communicator
of NCCL, which would keep memory of the GPU.
"""

import time
from collections.abc import Callable
from functools import partial

import torch
from pydantic import TypeAdapter
from torch import distributed as dist

from llmtrain_trainer.preflight.links import Link, Pair, ring_rounds
from llmtrain_trainer.training.mesh import Ranks, device

_MIB = 2**20
_SIZES_ON_GPU = (16 * _MIB, 256 * _MIB)
_SIZES_ON_CPU = (_MIB // 4, 2 * _MIB)
_REPEATS = 3
_BUDGET_SECONDS = 1.0
"""Longest expected time of one transfer: a size that would take longer is left out."""
_SECONDS = TypeAdapter(float)
_LINK_SECONDS = TypeAdapter(float | None)


def sizes() -> tuple[int, int]:
    """The two sizes in bytes, for the device of this rank."""
    return _SIZES_ON_GPU if torch.cuda.is_available() else _SIZES_ON_CPU


def bus_bandwidth(num_bytes: int, seconds: float, ranks: int) -> float:
    """Bus bandwidth of an all-reduce in bytes per second, which does not depend on the ranks.

    2(n-1)/n x bytes / seconds: https://github.com/NVIDIA/nccl-tests/blob/master/doc/PERFORMANCE.md

    Args:
        num_bytes: size of each rank's values.
        seconds: duration.
        ranks: number of ranks, n.
    """
    return 2 * (ranks - 1) / ranks * num_bytes / seconds


def measure_all_reduce(ranks: Ranks) -> float:
    """Bus bandwidth of all ranks together, in bytes per second: the better of two sizes.

    Collective.
    """
    best, seconds, last_bytes = 0.0, 0.0, 1
    for num_bytes in sizes():
        if seconds * num_bytes / last_bytes > _BUDGET_SECONDS:
            break
        mine = _fastest(partial(dist.all_reduce, _values(num_bytes)))
        seconds, last_bytes = max(ranks.gather(mine, _SECONDS)), num_bytes
        best = max(best, bus_bandwidth(num_bytes, seconds, ranks.size))
    return best


def measure_links(ranks: Ranks) -> tuple[Link, ...]:
    """Bandwidths between neighbours, on every rank: the better of two sizes. Collective.

    Some ranks do not take part in each exchange, so torch asks for a collective of all before.
    """
    best: dict[Pair, float] = {}
    longest, last_bytes = 0.0, 1
    for num_bytes in sizes():
        if longest * num_bytes / last_bytes > _BUDGET_SECONDS:
            break
        seconds = _seconds_of_pairs(ranks, num_bytes)
        for pair, taken in seconds.items():
            best[pair] = max(best.get(pair, 0.0), num_bytes / taken)
        longest, last_bytes = max(seconds.values()), num_bytes
    return tuple(Link(pair, bandwidth) for pair, bandwidth in sorted(best.items()))


def _seconds_of_pairs(ranks: Ranks, num_bytes: int) -> dict[Pair, float]:
    """Seconds of an exchange of each two neighbours, as the slower of the two sees it."""
    values, received = _values(num_bytes), _values(num_bytes)
    found: dict[Pair, float] = {}
    for pairs in ring_rounds(ranks.size):
        mine = None
        for other in (sum(pair) - ranks.rank for pair in pairs if ranks.rank in pair):
            mine = _fastest(partial(_exchange, values, received, other))
        seconds = ranks.gather(mine, _LINK_SECONDS)
        found |= {pair: max(seconds[rank] or 0.0 for rank in pair) for pair in pairs}
    return found


def _values(num_bytes: int) -> torch.Tensor:
    """Zeros, (N,): a sum of them does not overflow, and no random number is drawn."""
    return torch.zeros(num_bytes // 4, dtype=torch.float32, device=device())


def _exchange(values: torch.Tensor, received: torch.Tensor, other: int) -> None:
    both = [dist.P2POp(dist.isend, values, other), dist.P2POp(dist.irecv, received, other)]
    for each in dist.batch_isend_irecv(both):
        each.wait()


def _fastest(transfer: Callable[[], object]) -> float:
    """Seconds of the fastest of some repetitions, after one that connects and warms up."""
    seconds = []
    for _ in range(1 + _REPEATS):
        started = time.perf_counter()
        transfer()
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        seconds.append(time.perf_counter() - started)
    return min(seconds[1:])


def give_memory_back() -> None:
    """Give the GPU's memory back: it is no part of what training is going to need."""
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
