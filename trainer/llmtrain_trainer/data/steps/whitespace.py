"""The step `whitespace`: white space that says nothing goes."""

import re

from llmtrain_api.spec.step_sections.cleaning import Whitespace
from llmtrain_trainer.data.steps.base import DocumentStep, TextFunction, one_by_one

_INVISIBLE = re.compile("[\u00ad\u2060\ufeff]")
"""Soft hyphens, word joiners and byte order marks. Joiners of emoji, Arabic and Indian scripts have
a meaning, and so have the zero-width spaces of Khmer."""
_SPACES = re.compile("[\u00a0\u1680\u2000-\u200a\u202f\u205f]")
"""Spaces of other widths, but for the ideographic one, which indents paragraphs."""
_IDEOGRAPHIC = "\u3000"
_BETWEEN_WORDS = re.compile("(?<=[^ \t\n\u3000])[ \t\u3000]++")
_LINE_ENDS = re.compile("\r\n?|[\v\f\u0085\u2028\u2029]")
_BEFORE_LINE_END = re.compile("(?<![ \t\u3000])[ \t\u3000]++(?=\n)")
_INNER = re.compile("(?<=[^ \t\n])[ \t]{2,}(?=[^ \t\n])|(?<=[^ \t\n])\t(?=[^ \t\n])")


class WhitespaceStep(DocumentStep[Whitespace]):
    """Makes white space uniform; the indentation of lines stays."""

    def prepare(self) -> TextFunction:
        """Nothing needs to be loaded."""
        most = self.section.max_blank_lines + 1
        blank_lines = re.compile(f"\n{{{most + 1},}}")

        def apply(text: str) -> str:
            if not text.isascii():
                text = _SPACES.sub(" ", _INVISIBLE.sub("", text))
            text = _BEFORE_LINE_END.sub("", _LINE_ENDS.sub("\n", text) + "\n")
            if _IDEOGRAPHIC in text:
                text = _BETWEEN_WORDS.sub(_with_usual_spaces, text)
            if self.section.collapse:
                text = _INNER.sub(" ", text)
            return blank_lines.sub("\n" * most, text).strip("\n")

        return one_by_one(apply)


def _with_usual_spaces(found: re.Match[str]) -> str:
    return found[0].replace(_IDEOGRAPHIC, " ")
