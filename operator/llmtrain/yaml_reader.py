"""Reads YAML as kubectl does: a file means the same to a laptop and to a cluster.

PyYAML's own loader reads `2020-01-01` as a date, `1:30` as 90 and `3e-4` as text. This one gives
what kubectl would send: JSON.
"""

import codecs
import json
import math
import re
from typing import Any

import yaml
from yaml import (
    AliasEvent,
    CollectionStartEvent,
    MappingNode,
    Node,
    ScalarEvent,
    ScalarNode,
    SequenceNode,
)
from yaml.constructor import ConstructorError

_DEEPEST = 64
_MOST_VALUES = 100_000
"""With those that aliases repeat: a few lines can stand for more than any memory holds."""
_LONGEST_NUMBER = 400
_LARGEST_WHOLE = 1e21
"""From here on, JSON as Go writes it has an exponent."""

_WORDS: dict[str, bool | None] = {
    form: value
    for words, value in (
        (("", "~", "null"), None),
        (("y", "yes", "true", "on"), True),
        (("n", "no", "false", "off"), False),
    )
    for word in words
    for form in (word, word.capitalize(), word.upper())
}
"""What a word without quotes means if it is neither a number nor text."""
_NOT_FINITE = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
_OCTAL = re.compile(r"[-+]?0[0-7]+")
_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]*|0[xX][0-9a-fA-F]+|0[oO][0-7]+|0[bB][01]+)")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")

_PLAIN, _STR, _SEQ, _MAP = (f"tag:yaml.org,2002:{name}" for name in ("", "str", "seq", "map"))
"""YAML itself has no tag for a word without quotes."""


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
    if "\t" in text and _is_json(text):
        # JSON may be indented with tabs, and cannot hold one in a string; YAML may not.
        text = text.replace("\t", " ")
    try:
        return [document for document in yaml.load_all(text, _Loader) if document is not None]
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


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


class _Loader(yaml.SafeLoader):
    """Composes nodes within limits, and makes JSON values of them."""

    yaml_implicit_resolvers = {None: [(_PLAIN, re.compile(""))]}  # noqa: RUF012 - as PyYAML has it

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._depth = 0
        self._num_values = 0
        self._sizes: dict[Node, int] = {}
        """How many values a node stands for, aliases followed."""

    def compose_node(self, parent: Node | None, index: int) -> Node | None:
        event = self.peek_event()
        is_key = isinstance(parent, MappingNode) and index is None
        if is_key and not isinstance(event, ScalarEvent):
            raise _fault(
                event,
                "a field's name must be text, not a list or a mapping; "
                "a template such as {{ value }} must be filled in first, or stand in quotes",
            )
        if self._depth > _DEEPEST:
            raise _fault(event, f"this is nested deeper than {_DEEPEST} levels")
        before = self._num_values
        self._num_values += self._size_of_alias(event) if isinstance(event, AliasEvent) else 1
        if self._num_values > _MOST_VALUES:
            raise _fault(event, f"the file stands for more than {_MOST_VALUES:,} values")
        if not isinstance(event, AliasEvent):
            event.tag = None if is_key else _simple_tag(event)
            self.anchors.pop(event.anchor, None)  # YAML lets an anchor be set again
        self._depth += 1
        node = super().compose_node(parent, index)
        self._depth -= 1
        assert node is not None, "the parser gives a node, though an empty one"
        self._sizes[node] = self._num_values - before
        return node

    def _size_of_alias(self, event: AliasEvent) -> int:
        name, node = event.anchor, self.anchors.get(event.anchor)
        if node is None:
            raise _fault(event, f"*{name} repeats &{name}, which does not come before it")
        if node not in self._sizes:
            raise _fault(event, f"*{name} stands within &{name}, which would contain itself")
        return self._sizes[node]

    def construct_plain(self, node: ScalarNode) -> str | float | bool | None:
        """The value of a word without quotes."""
        text = node.value
        if text in _WORDS:
            return _WORDS[text]
        if _NOT_FINITE.fullmatch(text):
            raise _fault(node, f"{text} is no number that can be set; write one with digits")
        number = _number(text)
        return self.construct_text(node) if number is None else number

    def construct_text(self, node: ScalarNode) -> str:
        """Text with whole characters: JSON may write one as two escapes, neither of them one."""
        text = self.construct_scalar(node)
        if "\0" in text:
            raise _fault(node, "text cannot hold the character U+0000; remove it")
        try:
            return text.encode("utf-16", "surrogatepass").decode("utf-16")
        except UnicodeDecodeError:
            raise _fault(
                node, "text holds half of a character (\\ud800 to \\udfff); remove it"
            ) from None

    def construct_fields(self, node: MappingNode) -> dict[str, Any]:
        """A mapping, with what `<<` brings in; its keys are as they are written."""
        own: dict[str, Any] = {}
        merged: dict[str, Any] = {}
        for key, value in node.value:
            if key.value == "<<":
                merged = self._merged(value)
            elif key.value in own:
                raise _fault(key, f"{key.value} is set twice")
            else:
                own[key.value] = self.construct_object(value)
        return merged | own

    def _merged(self, node: Node) -> dict[str, Any]:
        """The fields that `<<` brings in; of several mappings the first wins."""
        merged: dict[str, Any] = {}
        for each in node.value if isinstance(node, SequenceNode) else [node]:
            if not isinstance(each, MappingNode):
                raise _fault(node, "<< takes a mapping, or a list of mappings")
            merged = self.construct_object(each) | merged
        return merged

    yaml_constructors = {  # noqa: RUF012 - as PyYAML has it
        _PLAIN: construct_plain,
        _STR: construct_text,
        _SEQ: yaml.SafeLoader.construct_sequence,
        _MAP: construct_fields,
    }


def _simple_tag(event: ScalarEvent | CollectionStartEvent) -> str | None:
    """None, as though there were no tag; `!` and `!!str` make text of a number."""
    if event.tag not in {None, "!", _STR, _SEQ, _MAP}:
        tag = str(event.tag).replace("tag:yaml.org,2002:", "!!")
        raise _fault(event, f"the tag {tag} has no meaning here; remove it")
    return _STR if event.tag and isinstance(event, ScalarEvent) else None


def _number(text: str) -> int | float | None:
    digits = text.replace("_", "")
    if text.startswith("_") or len(digits) > _LONGEST_NUMBER:
        return None
    if _OCTAL.fullmatch(digits):
        return int(digits, 8)
    if _INTEGER.fullmatch(digits):
        return int(digits, 0)
    if not _FLOAT.fullmatch(digits) or math.isinf(value := float(digits)):
        return None
    # JSON does not tell 3.0 from 3, and so 1e9 is a number of tokens.
    return int(value) if value.is_integer() and abs(value) < _LARGEST_WHOLE else value


def _fault(place: yaml.Event | Node, message: str) -> ConstructorError:
    mark: Any = place.start_mark
    return ConstructorError(None, None, message, mark)
