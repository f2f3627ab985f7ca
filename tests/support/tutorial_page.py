"""The files and commands of a tutorial, read from the page itself."""

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

_BLOCK = re.compile(
    r'^```(?:\w+ title="(?P<name>[^"]+)"|console)\n(?P<text>.*?)^```$', re.DOTALL | re.MULTILINE
)
_HOME = "/home/you/tutorial"
_TIMEOUT_SECONDS = 900


@dataclass(frozen=True)
class File:
    """A file that the reader writes."""

    name: str
    text: str


@dataclass(frozen=True)
class Command:
    """A command that the reader types, and the lines that the page shows after it."""

    command: str
    output: tuple[str, ...]


def read_page(path: Path) -> list[File | Command]:
    """The files and commands of a page, in order.

    A fenced block with a title is a file. A block of `console` holds commands after `$ `, and what
    they print.
    """
    parts: list[File | Command] = []
    for block in _BLOCK.finditer(path.read_text(encoding="utf-8")):
        if block["name"]:
            parts.append(File(block["name"], block["text"]))
            continue
        for command in re.split(r"^\$ ", block["text"], flags=re.MULTILINE)[1:]:
            first, *output = command.splitlines()
            parts.append(Command(first, tuple(output)))
    return parts


class Reader:
    """A reader who does what a page says, in a folder.

    Args:
        folder: the reader's working folder; it may hold what an earlier page made.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._exit_code = 0

    def follow(self, page: Path) -> None:
        """Write the page's files, run its commands, and compare what they print.

        Raises:
            AssertionError: a command failed and the page does not ask for its exit code next, or a
                line that the page shows was not printed.
        """
        parts = read_page(page)
        for part, following in zip(parts, [*parts[1:], None], strict=True):
            if isinstance(part, File):
                (self._folder / part.name).write_text(part.text, encoding="utf-8")
                continue
            printed = self._run(part.command)
            where = f"{page.name}: $ {part.command}"
            if not (isinstance(following, Command) and following.command == "echo $?"):
                assert self._exit_code == 0, f"{where}\n{printed}"
            missing = first_missing(part.output, printed.replace(str(self._folder), _HOME))
            assert missing is None, f"{where}\nnot printed: {missing}\n{printed}"

    def _run(self, command: str) -> str:
        """Run a command in the reader's shell; `$?` is the exit code of the one before."""
        programs = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        run = subprocess.run(
            ["bash", "-c", f"(exit {self._exit_code}); {command}"],
            check=False,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=self._folder,
            env=os.environ | {"PATH": programs, "COLUMNS": "100", "TERM": "dumb"},
            timeout=_TIMEOUT_SECONDS,
        )
        self._exit_code = run.returncode
        return run.stdout


def first_missing(shown: tuple[str, ...], printed: str) -> str | None:
    """The first line of a page that was not printed after the line before it; None if all were.

    Figures, and the widths of tables that follow from them, may differ. `...` stands for any lines.
    """
    lines = iter([_comparable(line) for line in printed.splitlines()])
    for line in shown:
        if line != "..." and _comparable(line) not in lines:
            return line
    return None


def _comparable(line: str) -> str:
    line = re.sub(r"\d+(?:[.,]\d+)*", "#", line)
    return re.sub(r"([━─┄ ])\1*", r"\1", line).strip()
