"""Prints text of others: none of it is markup for rich, or a command for the terminal."""

import typer
from rich.console import Console
from rich.text import Text

from llmtrain_api.visible import visible


def plain(text: str, style: str = "") -> Text:
    """Text for a table or a line, without markup in it.

    Args:
        text: of anybody.
        style: of rich.
    """
    return Text(visible(text), style=style)


def say(console: Console, text: str, style: str = "", *, end: str = "\n") -> None:
    """Print text on a console; only a terminal wraps it.

    Args:
        console: where to.
        text: of anybody.
        style: of rich.
        end: what follows.
    """
    console.print(plain(text, style), soft_wrap=True, highlight=False, end=end)


def echo(text: str, *, err: bool = False, nl: bool = True) -> None:
    """Print text on standard output, or on standard error.

    Args:
        text: of anybody.
        err: whether on standard error.
        nl: whether a line end follows.
    """
    typer.echo(visible(text), err=err, nl=nl)
