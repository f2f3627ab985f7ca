"""Two hundred inputs that are broken, misleading or out of proportion, and what becomes of each.

Each is a few kilobytes on the disk at most, whatever it unpacks to.
"""

import os
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

from support.hostile_packages import archives, packed, parquet_files
from support.hostile_texts import Hostile, csv, file, json_lines, texts


def _folder(path: Path) -> None:
    path.mkdir()


def _socket(path: Path) -> None:
    folder = os.open(path.parent, os.O_RDONLY)  # the whole path may be too long for a socket
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(f"/proc/self/fd/{folder}/{path.name}")
    os.close(folder)


def _loop_of_folders(path: Path) -> None:
    path.mkdir()
    (path / "again").symlink_to(path)
    (path / "a.txt").write_bytes(b"a")


def _things() -> Iterator[Hostile]:
    text = {"format": "text"}
    things: dict[str, tuple[Callable[[Path], object], str, int]] = {
        "fifo.txt": (os.mkfifo, "this is a pipe", 0),
        "socket.txt": (_socket, "this is a pipe", 0),
        "zeros.txt": (lambda path: path.symlink_to("/dev/zero"), "this is a pipe", 0),
        "full.txt": (lambda path: path.symlink_to("/dev/full"), "this is a pipe", 0),
        "folder.txt": (_folder, "this is a folder", 0),
        "itself.txt": (lambda path: path.symlink_to(path), "cannot be read: Too many levels", 0),
        "dangling.txt": (lambda path: path.symlink_to("nowhere"), "no such file", 0),
        "below/a/file.txt": (lambda path: path.parents[1].touch(), "cannot be read: Not a dir", 0),
        "a" * 300: (lambda _: None, "cannot be read: File name too long", 0),
        "new\nline.txt": (file(b"a"), "", 1),
        "-rf.txt": (file(b"a"), "", 1),
        "[ab]*?.txt": (file(b"a"), "", 1),
        "\u202etxt.exe": (file(b"a"), "", 1),
        "🦙.txt": (file(b"a"), "", 1),
        "%s{0}$(x).txt": (file(b"a"), "", 1),
    }
    for name, (make, error, documents) in things.items():
        yield Hostile(name, make, text, error, documents)
    yield Hostile("loop/**/*.txt", lambda path: _loop_of_folders(path.parents[1]), text, "", 1)
    odd = os.fsdecode(b"odd/caf\xe9.txt")
    yield Hostile("odd/*", lambda path: _odd(path.parent, odd), text, "is not UTF-8; rename it")
    yield Hostile("pipes/*.txt", _pipes, text, "this glob matches no file")


def _odd(folder: Path, name: str) -> None:
    folder.mkdir()
    (folder.parent / name).write_bytes(b"a")


def _pipes(path: Path) -> None:
    path.parent.mkdir()
    os.mkfifo(path.parent / "a.txt")


def hostile_inputs() -> list[Hostile]:
    """All inputs."""
    kinds = (json_lines, packed, texts, csv, parquet_files, archives, _things)
    return [each for kind in kinds for each in kind()]
