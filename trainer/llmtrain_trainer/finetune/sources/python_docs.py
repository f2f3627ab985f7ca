"""The source `pythonDocs`: questions and answers about the standard library.

A question's wording is chosen by a hash of the name, so the same interpreter always gives the
same conversations.
"""

import re
import sys
import zlib
from collections.abc import Iterator

from llmtrain_trainer.conversations.conversation import Conversation, Message
from llmtrain_trainer.data.readers.rows import BadRows
from llmtrain_trainer.data.sources.python_docs import DocEntry, Kind, harvest

_ANSWER_CHARACTERS = 600
"""Paragraphs are added to an answer up to here; the first is always there, if need be cut."""
_SHORTEST_ANSWER = 20

_DESCRIBE: dict[Kind, tuple[str, ...]] = {
    "module": (
        "What is the module {name} for?",
        "What does the {name} module do?",
        "Explain the Python module {name}.",
    ),
    "class": (
        "What is {name}?",
        "What is the class {name} for?",
        "Explain the Python class {name}.",
    ),
    "function": (
        "What does {name} do?",
        "What does the function {name} do?",
        "Explain {name} to me.",
    ),
    "method": (
        "What does {name} do?",
        "What does the method {name} do?",
        "Explain {name} to me.",
    ),
    "topic": (
        "What does Python's documentation say about {name}?",
        "Tell me about the Python topic {name}.",
        "Explain {name} in Python.",
    ),
}
_CALL = (
    "What are the parameters of {name}?",
    "How is {name} called?",
    "What is the signature of {name}?",
)
_NO_PARAMETERS = re.compile(r"[^(]*(\(\))?")


class PythonDocsSource:
    """Asks for a description of every documented name, and for the parameters of callables."""

    @property
    def identity(self) -> str:
        """The interpreter's version."""
        return f"pythonDocs {sys.version}"

    @property
    def max_bad_rows(self) -> int:
        """It has no rows."""
        return 0

    def conversations(self, bad_rows: BadRows) -> Iterator[Conversation]:  # noqa: ARG002 - it has no rows
        """One or two for each documented thing."""
        for entry in harvest():
            answer = first_paragraphs(entry.text)
            if len(answer) >= _SHORTEST_ANSWER:
                yield _pair(_DESCRIBE[entry.kind], entry, answer)
            if not _NO_PARAMETERS.fullmatch(entry.signature):
                yield _pair(_CALL, entry, f"It is called as {entry.signature}.")


def first_paragraphs(text: str) -> str:
    """The beginning of a text, in whole paragraphs where they are short enough."""
    first, *others = re.split(r"\n\s*\n", text.strip())
    if len(first) > _ANSWER_CHARACTERS:
        return first[:_ANSWER_CHARACTERS].rpartition(" ")[0] + " ..."
    answer = first
    for paragraph in others:
        longer = f"{answer}\n\n{paragraph.rstrip()}"
        if len(longer) > _ANSWER_CHARACTERS:
            break
        answer = longer
    return answer


def _pair(wordings: tuple[str, ...], entry: DocEntry, answer: str) -> Conversation:
    name = entry.qualified_name
    wording = wordings[zlib.crc32(name.encode()) % len(wordings)]
    question = wording.format(name=name)
    return Conversation(
        [Message(role="user", content=question), Message(role="assistant", content=answer)],
        place=f"pythonDocs: {name}",
    )
