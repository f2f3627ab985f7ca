"""The time between two checkpoints, by Young's formula (1974).

A checkpoint that stops training for d seconds, every t seconds, costs the share d / t. A failure
every M seconds loses half an interval, the share t / 2M. Their sum is least at t = sqrt(2 d M).
Daly (2006) adds terms that matter where d is no longer small beside M.
"""

import math

from llmtrain_api.run_config import Workers

_DAY_SECONDS = 86_400
_MACHINE_SECONDS = 60 * _DAY_SECONDS
"""Mean time between two failures of a machine. Zhang et al. 2022, section 2.5: at least 105
restarts in two months of 124 machines, one in 70 machine-days. Dubey et al. 2024, section 3.3.4:
419 unexpected interruptions in 54 days of 2,048 machines, one in 264."""
_SPOT_SECONDS = _DAY_SECONDS
"""The same of a spot machine: our estimate; clouds publish no more than rates by the month."""

SHORTEST_SECONDS = 60
"""The first checkpoint comes after this long: it shows what one costs."""
_LONGEST_SECONDS = 1800
_MOST_STALL = 0.02
_MOST_WRITING = 0.5


def mean_seconds_between_failures(workers: Workers) -> float:
    """Expected time until the first of the workers' machines fails, in seconds."""
    return (_SPOT_SECONDS if workers.spot else _MACHINE_SECONDS) / workers.machines


def automatic_interval(
    *, stall_seconds: float, save_seconds: float, mean_seconds_between_failures: float
) -> float:
    """Seconds from one checkpoint to the next.

    It is 1 to 30 minutes, and longer where training would wait for more than 2 % of the time, or
    the storage would be written to for more than half of it.

    Args:
        stall_seconds: time that training waits for a checkpoint.
        save_seconds: time from the snapshot to the commit.
        mean_seconds_between_failures: expected time between two failures, of any of the machines.
    """
    best = math.sqrt(2 * stall_seconds * mean_seconds_between_failures)
    bounded = min(max(best, SHORTEST_SECONDS), _LONGEST_SECONDS)
    return max(bounded, stall_seconds / _MOST_STALL, save_seconds / _MOST_WRITING)
