"""Quantities in the words of people."""

import pytest

from llmtrain_cli.text import amount, duration, gigabytes, money


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.04, "0.04 seconds"),
        (42, "42 seconds"),
        (59.9, "1 minute"),
        (61, "1 minute 1 second"),
        (3600, "1 hour"),
        (5400, "1 hour 30 minutes"),
        (3599.9, "1 hour"),
        (86399, "1 day"),
        (3 * 86400 + 19 * 3600, "3 days 19 hours"),
    ],
)
def test_duration(seconds: float, text: str) -> None:
    assert duration(seconds) == text


@pytest.mark.parametrize(
    ("number", "text"), [(124_439_808, "124M"), (6_738_415_616, "6.74B"), (999, "999")]
)
def test_amount(number: int, text: str) -> None:
    assert amount(number) == text


@pytest.mark.parametrize(
    ("size", "text"), [(0, "0.0"), (210_000_000, "0.21"), (1_381_700_000_000, "1,381.7")]
)
def test_gigabytes(size: int, text: str) -> None:
    assert gigabytes(size) == text


@pytest.mark.parametrize(("usd", "text"), [(3.734, "$3.73"), (14537.05, "$14,537")])
def test_money(usd: float, text: str) -> None:
    assert money(usd) == text
