"""The step `unicode`: mojibake is repaired, characters are composed."""

from llmtrain_api.spec.step_sections.cleaning import Unicode
from llmtrain_trainer.data.steps.base import DocumentStep, TextFunction, one_by_one


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
        return one_by_one(lambda text: ftfy.fix_text(text, config))
