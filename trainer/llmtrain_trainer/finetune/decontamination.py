"""Finds the conversations that hold evaluation questions."""

import json
from collections.abc import Iterator, Sequence

from llmtrain_api.contamination import ContaminationReport, TextKind
from llmtrain_trainer.conversations.conversation import Conversation
from llmtrain_trainer.data.contamination import counts
from llmtrain_trainer.data.contamination.index import QuestionIndex
from llmtrain_trainer.data.contamination.search import Search
from llmtrain_trainer.questions import QuestionSet


class ConversationSearch:
    """Searches conversations, and counts what it finds.

    Args:
        questions: to search for.
    """

    def __init__(self, questions: QuestionSet) -> None:
        self._questions = questions
        self._search = Search(QuestionIndex.of(questions.questions))
        self._counts: counts.Counts = {}

    def kept(self, some: Sequence[Conversation]) -> list[Conversation]:
        """The conversations that are learned from."""
        texts = [" ".join(_said(each)) for each in some]
        matches = self._search.find(texts)
        places = (each.place for each in some)
        found = counts.count(zip(places, texts, strict=True), matches, self._search.index)
        self._counts = counts.add(self._counts, found)
        if not self._questions.removes_texts:
            return list(some)
        return [each for each, match in zip(some, matches, strict=True) if match is None]

    def report(self) -> ContaminationReport:
        """The report on all conversations so far."""
        tasks = counts.reports(
            TextKind.CONVERSATIONS, self._counts, self._questions, self._search.index
        )
        return ContaminationReport(tasks=tasks)

    def warnings(self) -> Iterator[str]:
        """Warnings about them."""
        return counts.warnings(self.report().tasks)


def _said(conversation: Conversation) -> Iterator[str]:
    """All that is said and called, in order."""
    for message in conversation.messages:
        yield message.get("content", "")
        if "tool_calls" in message:
            yield json.dumps(message["tool_calls"], ensure_ascii=False)
