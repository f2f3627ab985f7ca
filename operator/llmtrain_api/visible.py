"""Makes text from outside safe to print.

A terminal obeys control characters, which can set its title, write to the clipboard or replace text
on the screen.
"""

import re

_COLOURS = re.compile("\x1b\\[[0-9;]*m")
# C0 but for tab and line feed, DEL, C1, line separators, and what turns the direction of writing.
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
_LARGEST_BYTE = 0xFF


def visible(text: str) -> str:
    r"""Text with its control characters written out, such as `\x1b`.

    Tabs and line ends stay, a carriage return becomes a line end, and colours are taken out.

    Args:
        text: text from outside: from a user, a model, a file or a server.
    """
    lines = _COLOURS.sub("", text).replace("\r\n", "\n").replace("\r", "\n")
    return _CONTROL.sub(_written_out, lines)


def visible_path(path: object) -> str:
    r"""A path as text; bytes that are not UTF-8 are written out, such as `\xe9`."""
    return str(path).encode(errors="surrogateescape").decode(errors="backslashreplace")


def _written_out(match: re.Match[str]) -> str:
    code = ord(match[0])
    return f"\\x{code:02x}" if code <= _LARGEST_BYTE else f"\\u{code:04x}"
