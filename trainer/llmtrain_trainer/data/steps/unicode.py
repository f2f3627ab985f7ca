"""The step `unicode`: mojibake is repaired, characters are composed."""

import re

from llmtrain_api.spec.step_sections.cleaning import Unicode
from llmtrain_trainer.data.steps.base import DocumentStep, TextFunction, one_by_one

_MAY_CHANGE = re.compile(r"[^\n\t -~]")
"""All but the characters of ASCII that are no control characters; ftfy leaves those as they are."""


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
            return ftfy.fix_text(text, config) if _MAY_CHANGE.search(text) else text

        return one_by_one(repaired)
