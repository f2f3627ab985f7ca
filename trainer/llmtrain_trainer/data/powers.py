"""Powers modulo 2^64, of which hashes of sequences are made: polynomials (Karp and Rabin 1987)."""

from functools import cache

import numpy as np
from numpy.typing import NDArray

Hashes = NDArray[np.uint64]

BASE = 0x9E3779B97F4A7C15
"""An odd number, so that its powers have inverses modulo 2^64; 2^64 over the golden ratio."""
INVERSE = pow(BASE, -1, 2**64)


def powers(base: int, count: int) -> Hashes:
    """The powers of a number from 0 on, modulo 2^64; shape (count,)."""
    size = 1 << max(count - 1, 0).bit_length()
    return _stored_powers(base, size)[:count]


@cache
def _stored_powers(base: int, size: int) -> Hashes:
    found = np.full(size, base, dtype=np.uint64)
    found[:1] = 1
    return np.cumprod(found, dtype=np.uint64)
