"""The step `unicode`: mojibake is repaired, characters are composed."""

import re

from llmtrain_api.spec.step_sections.cleaning import Unicode
from llmtrain_trainer.data.steps.base import DocumentStep, TextFunction, one_by_one

_MAY_CHANGE = re.compile(r"[^\n\t -~]")
"""All but the characters of ASCII that are no control characters; ftfy leaves those as they are."""
_SEPARATORS = str.maketrans("\v\f\x1c\x1d\x1e\x1f", "\n\n\n\n\n ")
"""White space that ftfy takes out, which would join words, or leaves. The last one separates words,
the others lines. ftfy makes line ends of U+2028 and U+2029 itself."""


class UnicodeStep(DocumentStep[Unicode]):
    """Repairs wrongly decoded text and normalizes to NFC (Unicode Standard Annex 15)."""

    def prepare(self) -> TextFunction:
        """Load ftfy."""
        import ftfy

        # What is no damage stays: entities, curly quotes, ligatures, full-width characters.
        config = ftfy.TextFixerConfig(
            explain=False,
            unescape_html=False,
            uncurl_quotes=False,
            fix_latin_ligatures=False,
            fix_character_width=False,
            normalization="NFC",
        )

        def repaired(text: str) -> str:
            if not _MAY_CHANGE.search(text):
                return text
            return ftfy.fix_text(text.translate(_SEPARATORS), config)

        return one_by_one(repaired)
