"""Pairwise testing: a few combinations in which every pair of values occurs.

Most faults of combined settings need two of them (Kuhn et al. 2004).
"""

from collections.abc import Sequence
from itertools import combinations, product

Combination = tuple[str, ...]


def pairwise(choices: Sequence[Sequence[str]]) -> list[Combination]:
    """Combinations of one value of each choice, chosen greedily until every pair is in one."""
    candidates = list(product(*choices))
    missing = {pair for each in candidates for pair in _pairs(each)}
    chosen: list[Combination] = []
    while missing:
        best = max(candidates, key=lambda each: len(missing & _pairs(each)))
        missing -= _pairs(best)
        chosen.append(best)
    return chosen


def _pairs(values: Combination) -> set[tuple[tuple[int, str], ...]]:
    return set(combinations(enumerate(values), 2))
