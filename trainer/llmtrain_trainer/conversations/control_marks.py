"""Distinguishes control tokens of a chat template from the same words in a message.

For `<|im_end|>` in a message, a mark is put inside the word before the template sees it. In the
template's text, every whole `<|im_end|>` is then the template's own.
"""

import json
import re
from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, TypeVar, cast

from llmtrain_trainer.conversations.conversation import Conversation, Message
from llmtrain_trainer.conversations.rendering import Rendered

_PRIVATE_USE = range(0xE000, 0xF900)
"""Characters to which Unicode gives no meaning."""
T = TypeVar("T")


class ControlMarks:
    """Marks control tokens in messages, and removes the marks again.

    Args:
        names: the control tokens, each of two characters at least.
        template: the chat template.
    """

    def __init__(self, names: Iterable[str], template: str) -> None:
        longest_first = sorted(names, key=len, reverse=True)
        self._words = re.compile("|".join(map(re.escape, longest_first)) or "(?!)")
        self._template = template
        self._beginnings = tuple({name[:n] for name in longest_first for n in range(1, len(name))})
        self._ends = tuple({name[n:] for name in longest_first for n in range(1, len(name))})

    def mark(self, conversation: Conversation) -> tuple[Conversation, str]:
        """The conversation with its control tokens marked.

        Returns:
            The conversation, and the mark: a character, or nothing where no message holds a
            control token, or a part of one that the template might complete.
        """
        said = [conversation.messages, conversation.tools]
        for mark in map(chr, _PRIVATE_USE):
            marked = self._marked(said, mark)
            if marked == said:
                return conversation, ""
            if mark not in json.dumps(said, ensure_ascii=False) + self._template:
                messages, tools = cast("tuple[list[Message], list[dict[str, Any]]]", marked)
                return replace(conversation, messages=messages, tools=tools), mark
        raise AssertionError("no conversation holds every private character")

    def unmark(self, rendered: Rendered, mark: str, private_names: Mapping[str, str]) -> Rendered:
        """The text without marks, and with private names for the template's control tokens.

        Args:
            rendered: what the template wrote for marked messages.
            mark: the character.
            private_names: by control token.
        """
        pattern = re.compile(f"{mark}|{self._words.pattern}")
        shifts, ends = [0], []
        for found in pattern.finditer(rendered.text):
            new = "" if found[0] == mark else private_names[found[0]]
            shifts.append(shifts[-1] + len(new) - len(found[0]))
            ends.append(found.end())
        text = pattern.sub(
            lambda found: "" if found[0] == mark else private_names[found[0]], rendered.text
        )

        def moved(place: int) -> int:
            return place + shifts[bisect_right(ends, place)]

        return Rendered(text, [(moved(start), moved(end)) for start, end in rendered.spans])

    def _marked(self, value: T, mark: str) -> T:
        if isinstance(value, str):
            return cast("T", self._marked_text(value, mark))
        if isinstance(value, dict):
            pairs = ((self._marked(k, mark), self._marked(v, mark)) for k, v in value.items())
            return cast("T", dict(pairs))
        if isinstance(value, list):
            return cast("T", [self._marked(each, mark) for each in value])
        return value

    def _marked_text(self, text: str, mark: str) -> str:
        text = self._words.sub(lambda found: found[0][0] + mark + found[0][1:], text)
        inner = text.strip()  # templates trim
        if inner.endswith(self._beginnings):
            end = len(text.rstrip())
            text = text[:end] + mark + text[end:]
        if inner.startswith(self._ends):
            start = len(text) - len(text.lstrip())
            text = text[:start] + mark + text[start:]
        return text
