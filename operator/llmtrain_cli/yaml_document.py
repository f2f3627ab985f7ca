"""Reads YAML as kubectl does: what a file means to a laptop, it means to a cluster.

PyYAML's own loaders make dates of dates, 90 of `1:30` and text of `3e-4`. What comes out here is
what kubectl would send: JSON.
"""

import codecs
from collections.abc import Iterator
from typing import Any

import yaml
from yaml import events

from llmtrain_cli.yaml_scalar import scalar

_TAGS = {None, "!", *(f"tag:yaml.org,2002:{name}" for name in ("str", "seq", "map"))}
"""Those that change nothing, and the one that makes text of a number."""
_DEEPEST = 64
_MOST_VALUES = 100_000
"""With those that aliases repeat: a few lines can stand for more than any memory holds."""


class YamlError(Exception):
    """The text is not what it should be.

    Args:
        message: what is wrong.
        line: where, counted from 1.
    """

    def __init__(self, message: str, line: int) -> None:
        super().__init__(message)
        self.line = line


def read_documents(content: bytes) -> list[Any]:
    """The documents of a file, as JSON values; empty ones are left out.

    Raises:
        YamlError: the content is no YAML, or says what JSON cannot.
    """
    text = _decoded(content)
    try:
        reader = _Reader(yaml.parse(text, Loader=yaml.SafeLoader))
        return [document for document in reader.documents() if document is not None]
    except yaml.MarkedYAMLError as error:
        context = f"{error.context}: " if error.context else ""
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise YamlError(f"{context}{error.problem}", line) from error
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        message = f"the character U+{error.character:04X} cannot stand in YAML"
        raise YamlError(message, line) from error


def _decoded(content: bytes) -> str:
    wide = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        return content.decode("utf-16" if wide else "utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise YamlError("this is not UTF-8; save the file as UTF-8", line) from error


class _Reader:
    """Makes values of the parser's events."""

    def __init__(self, parsed: Iterator[yaml.Event]) -> None:
        self._events = parsed
        self._anchors: dict[str, tuple[Any, int]] = {}
        self._open: set[str] = set()
        self._num_values = 0

    def documents(self) -> Iterator[Any]:
        for event in self._events:
            if isinstance(event, events.DocumentStartEvent):
                self._anchors.clear()
                yield self._value(self._next(), depth=0)

    def _value(self, event: events.NodeEvent, *, depth: int) -> Any:  # noqa: ANN401 - any JSON value
        if depth > _DEEPEST:
            raise _fault(event, f"this is nested deeper than {_DEEPEST} levels")
        if isinstance(event, events.AliasEvent):
            value, num_values = self._repeated(event)
            self._count(event, num_values)
            return value
        assert isinstance(event, events.ScalarEvent | events.CollectionStartEvent), "no alias"
        if event.tag not in _TAGS:
            tag = str(event.tag).replace("tag:yaml.org,2002:", "!!")
            raise _fault(event, f"the tag {tag} has no meaning here; remove it")
        anchor, before = event.anchor, self._num_values
        self._count(event, 1)
        if anchor is not None:
            self._open.add(anchor)
        match event:
            case events.ScalarEvent():
                value = _scalar(event)
            case events.SequenceStartEvent():
                value = [self._value(item, depth=depth + 1) for item in self._until_end()]
            case _:
                value = self._mapping(depth=depth + 1)
        if anchor is not None:
            self._open.remove(anchor)
            self._anchors[anchor] = value, self._num_values - before
        return value

    def _mapping(self, *, depth: int) -> dict[str, Any]:
        own: dict[str, Any] = {}
        merged: dict[str, Any] = {}
        for event in self._until_end():
            key, follows = _key(event), self._next()
            value = self._value(follows, depth=depth)
            if key in own:
                raise _fault(event, f"{key} is set twice")
            if key == "<<":
                merged = _merged(follows, value)
            else:
                own[key] = value
        return merged | own

    def _repeated(self, event: events.AliasEvent) -> tuple[Any, int]:
        """What an alias stands for, and how many values that are."""
        name = event.anchor
        if name in self._open:
            raise _fault(event, f"*{name} stands within &{name}, which would contain itself")
        if name not in self._anchors:
            raise _fault(event, f"*{name} repeats &{name}, which does not come before it")
        return self._anchors[name]

    def _count(self, event: events.NodeEvent, num_values: int) -> None:
        self._num_values += num_values
        if self._num_values > _MOST_VALUES:
            raise _fault(event, f"the file stands for more than {_MOST_VALUES:,} values")

    def _until_end(self) -> Iterator[events.NodeEvent]:
        """What comes before the end of the list or mapping that has begun."""
        while not isinstance(event := next(self._events), events.CollectionEndEvent):
            assert isinstance(event, events.NodeEvent), "the parser gives nothing else in between"
            yield event

    def _next(self) -> events.NodeEvent:
        event = next(self._events)
        assert isinstance(event, events.NodeEvent), "the parser gives a value, though an empty one"
        return event


def _key(event: events.NodeEvent) -> str:
    """A key as it is written: JSON has no others."""
    if isinstance(event, events.ScalarEvent):
        return str(event.value)
    raise _fault(
        event,
        "a field's name must be text, not a list or a mapping; "
        "a template such as {{ value }} must be filled in first, or stand in quotes",
    )


def _scalar(event: events.ScalarEvent) -> Any:  # noqa: ANN401 - any JSON value
    try:
        return scalar(event.value, plain=event.implicit[0] and event.tag is None)
    except ValueError as error:
        raise _fault(event, str(error)) from error


def _merged(event: events.NodeEvent, value: Any) -> dict[str, Any]:  # noqa: ANN401 - any JSON value
    """What `<<` brings in; of several mappings the first wins."""
    merged: dict[str, Any] = {}
    for mapping in value if isinstance(value, list) else [value]:
        if not isinstance(mapping, dict):
            raise _fault(event, "<< takes a mapping, or a list of mappings")
        merged = mapping | merged
    return merged


def _fault(event: events.NodeEvent, message: str) -> YamlError:
    assert event.start_mark is not None, "the parser knows where it is"
    return YamlError(message, event.start_mark.line + 1)
