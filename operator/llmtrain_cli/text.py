"""Formats numbers for people, and makes texts from outside safe to print."""

from itertools import pairwise

import typer
from rich.console import Console
from rich.text import Text

from llmtrain_api.visible import visible

_PREFIXES = ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "K"))
_UNITS = ((86400, "day"), (3600, "hour"), (60, "minute"), (1, "second"))
_LARGE_SUM_USD = 1000


def amount(number: float) -> str:
    """Three digits and a letter: `6.74B`."""
    for size, letter in _PREFIXES:
        if number >= size:
            return f"{number / size:.3g}{letter}"
    return f"{number:.0f}"


def gigabytes(size: int) -> str:
    """Bytes as GB (10^9), without the unit; two decimals below 1."""
    value = size / 1e9
    return f"{value:,.1f}" if value >= 1 or not size else f"{value:.2f}"


def bandwidth(bytes_per_second: float) -> str:
    """Bytes per second as GB/s (10^9), in three digits."""
    return f"{bytes_per_second / 1e9:.3g} GB/s"


def duration(seconds: float) -> str:
    """The two largest units: `3 days 19 hours`, `42 seconds`."""
    if seconds < 1:
        return f"{seconds:.2g} seconds"
    for (size, name), (smaller, smaller_name) in pairwise(_UNITS):
        whole, rest = divmod(round(seconds / smaller) * smaller, size)
        if whole:
            return _words((whole, name), (rest // smaller, smaller_name))
    return _words((round(seconds), "second"))


def short_duration(seconds: float) -> str:
    """A duration in a short form for columns:  `45 s`, `3 min 20 s`, `2 h 5 min`."""
    minutes, rest = divmod(round(seconds), 60)
    if minutes == 0:
        return f"{rest} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"


def money(usd: float) -> str:
    """US dollars, with cents for small amounts."""
    return f"${usd:,.0f}" if usd >= _LARGE_SUM_USD else f"${usd:,.2f}"


def _words(*counts: tuple[int, str]) -> str:
    return " ".join(f"{count} {name}{'' if count == 1 else 's'}" for count, name in counts if count)


def plain(text: str, style: str = "") -> Text:
    """Text for a table or a line, without markup in it.

    Args:
        text: any text, also from outside.
        style: style, as in rich.
    """
    return Text(visible(text), style=style)


def say(console: Console, text: str, style: str = "", *, end: str = "\n") -> None:
    """Print text on a console; it is wrapped on terminals alone.

    Args:
        console: console for the text.
        text: any text, also from outside.
        style: style, as in rich.
        end: text after it.
    """
    console.print(plain(text, style), soft_wrap=True, highlight=False, end=end)


def echo(text: str, *, err: bool = False, nl: bool = True) -> None:
    """Print text on standard output, or on standard error.

    Args:
        text: any text, also from outside.
        err: whether to print on standard error.
        nl: whether a line end follows.
    """
    typer.echo(visible(text), err=err, nl=nl)
