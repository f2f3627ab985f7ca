"""Globs over names with slashes, with the meaning that they have on a local disk."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from glob import has_magic
from typing import Protocol

ReadRange = Callable[[int, int], bytes]
"""Reads from one byte up to another. Fewer come where the object has become shorter, or another."""

_ANY_DEPTH = "**"


@dataclass(frozen=True)
class Stored:
    """An object, or a folder of objects, as a listing has it."""

    path: str
    """Its name from the place's root on."""
    size: int | None
    """Bytes of an object; None for a folder."""
    stamp: str = ""
    """Changes whenever the object is written."""

    @property
    def name(self) -> str:
        """The last part of its path."""
        return self.path.rpartition("/")[2]


class Listing(Protocol):
    """A place whose objects can be listed. Each call may raise `OSError`, and may be made again."""

    def look(self, path: str) -> Stored | None:
        """The object or folder of this name; None where there is none."""
        ...

    def children(self, folder: str) -> list[Stored]:
        """The objects and folders directly in a folder; none where it does not exist."""
        ...

    def below(self, folder: str) -> list[Stored]:
        """All objects in a folder and in the folders in it."""
        ...


def matching(listing: Listing, pattern: str) -> list[Stored]:
    """The objects that a glob matches, sorted by name.

    As with `glob.glob`, `*` and `**` pass over names that begin with a dot. Only the folders that
    the pattern leads to are listed.

    Args:
        listing: where the objects are.
        pattern: a name, or a glob with `*`, `?`, `[...]` and `**`, from the place's root on.
    """
    found = {each.path: each for each in _expand(listing, "", pattern.split("/"))}
    return [found[path] for path in sorted(found)]


def _expand(listing: Listing, folder: str, parts: Sequence[str]) -> Iterator[Stored]:
    first, *rest = parts
    path = f"{folder}/{first}" if folder else first
    if first == _ANY_DEPTH:
        start = len(path) - len(first)
        every = listing.below(folder)
        yield from (each for each in every if _matches(each.path[start:].split("/"), parts))
    elif has_magic(first):
        every = [each for each in listing.children(folder) if _name_matches(each.name, first)]
        for each in every:
            yield from _of_last(each) if not rest else _of_folder(listing, each, rest)
    elif rest:
        yield from _expand(listing, path, rest)
    else:
        yield from _of_last(listing.look(path))


def _of_last(found: Stored | None) -> Iterator[Stored]:
    """What matched the last part of a glob, where it is an object."""
    if found is not None and found.size is not None:
        yield found


def _of_folder(listing: Listing, found: Stored, parts: Sequence[str]) -> Iterator[Stored]:
    """Objects below what matched another part of a glob, where that is a folder."""
    if found.size is None:
        yield from _expand(listing, found.path, parts)


def _matches(names: Sequence[str], parts: Sequence[str]) -> bool:
    """Whether the names of a path's folders and of the object match the parts of a glob."""
    if not parts:
        return not names
    first, *rest = parts
    if first != _ANY_DEPTH:
        return bool(names) and _name_matches(names[0], first) and _matches(names[1:], rest)
    if not rest:
        return bool(names) and not any(map(_is_hidden, names))
    for depth in range(len(names)):
        if _matches(names[depth:], rest):
            return True
        if _is_hidden(names[depth]):
            return False
    return False


def _name_matches(name: str, pattern: str) -> bool:
    return fnmatchcase(name, pattern) and (_is_hidden(pattern) or not _is_hidden(name))


def _is_hidden(name: str) -> bool:
    return name.startswith(".")
