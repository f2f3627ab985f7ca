"""Kubernetes' quantities: `96`, `500m`, `900Gi`, `1e3`."""

import re
from decimal import Decimal

_NUMBER = r"[+-]?(?:[0-9]{1,30}(?:\.[0-9]{0,30})?|\.[0-9]{1,30})"
"""With as many digits as there can be: Kubernetes caps a quantity at 2^63 - 1."""
_QUANTITY = re.compile(rf"({_NUMBER})([eE][+-]?[0-9]{{1,2}}|[numkMGTPE]|[KMGTPE]i)?")
_FACTORS = {
    "n": Decimal("1e-9"),
    "u": Decimal("1e-6"),
    "m": Decimal("1e-3"),
    **{unit: Decimal(1000) ** power for power, unit in enumerate("kMGTPE", start=1)},
    **{f"{unit}i": Decimal(1024) ** power for power, unit in enumerate("KMGTPE", start=1)},
}


def quantity(text: str) -> Decimal:
    """The number that a quantity stands for, exact.

    The form: https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/

    Raises:
        ValueError: it is none.
    """
    match = _QUANTITY.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is no quantity")
    number, suffix = match.groups(default="")
    if suffix in _FACTORS:
        return Decimal(number) * _FACTORS[suffix]
    return Decimal(number + suffix)
