"""The step `c4`: the rules of C4 (Raffel et al. 2020).

The order of the rules is that of datatrove's `C4QualityFilter`.
"""

import re
from collections.abc import Mapping

from llmtrain_api.spec.step_sections.quality import C4
from llmtrain_trainer.data.scripts import split_words
from llmtrain_trainer.data.sentences import count_sentences, ends_in_quote_or_sentence
from llmtrain_trainer.data.steps.base import DocumentStep, Dropped, TextFunction, one_by_one

_CITATION = re.compile(r"\[\d*\]|\[edit\]|\[citation needed\]")
_POLICY = re.compile(
    "terms of use|privacy policy|cookie policy|uses cookies|use of cookies|use cookies"
)


class C4Step(DocumentStep[C4]):
    """Takes out lines that are no prose, and drops documents with little left."""

    @property
    def reasons(self) -> Mapping[str, str]:
        """Descriptions of the documents that each rule drops."""
        return {
            "loremIpsum": "the words lorem ipsum",
            "curlyBracket": "a curly bracket, as in program code",
            "minSentences": f"fewer than {self.section.min_sentences} sentences in lines of prose",
        }

    def prepare(self) -> TextFunction:
        """Nothing needs to be loaded."""
        return one_by_one(lambda text: prose(text, self.section))


def prose(text: str, bounds: C4) -> str | Dropped:
    """The lines of a text that are prose."""
    kept = []
    num_sentences = 0
    for line in map(str.strip, text.splitlines()):
        sentence = _sentence(line, bounds)
        if sentence is None:
            continue
        lower = sentence.lower()
        if "lorem ipsum" in lower:
            return Dropped("loremIpsum")
        if "javascript" in lower:
            continue
        if "{" in sentence:
            return Dropped("curlyBracket")
        if _POLICY.search(lower):
            continue
        num_sentences += count_sentences(sentence)
        kept.append(sentence)
    if num_sentences < bounds.min_sentences:
        return Dropped("minSentences")
    return "\n".join(kept).strip()


def _sentence(line: str, bounds: C4) -> str | None:
    """A line without citation marks; None where it is too short or does not end a sentence."""
    words = split_words(line)
    if len(words) < bounds.min_words_per_line:
        return None
    longest = bounds.max_word_length
    if len(line) > longest and any(len(word) > longest for word in words):
        return None
    if "[" in line:
        line = _CITATION.sub("", line)
    return line if ends_in_quote_or_sentence(line) and not line.endswith(("...", "…")) else None
