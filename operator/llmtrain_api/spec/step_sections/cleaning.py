"""Steps that rewrite documents."""

from enum import StrEnum

from pydantic import Field

from llmtrain_api.spec.step_sections.base import StepSection


class Extractor(StrEnum):
    """Extraction of the main text of HTML, other than the usual one."""

    PRECISE = "precise"


class Html(StepSection):
    """Text extraction from documents that are HTML as a whole.

    Navigation, scripts and styles go. Markdown, source code and texts that only hold some HTML are
    left as they are. The data report counts what was changed.
    """

    extractor: Extractor | None = None
    """`precise` extracts with trafilatura, which leaves out more of what is not the main text, and
    repeated passages too, and takes ten times as long. A page that takes 10 seconds of a processor
    is dropped. By default resiliparse extracts."""


class Whitespace(StepSection):
    """Uniform white space: the indentation of lines stays, and white space at their ends goes.

    Line ends, vertical tabs, form feeds, and wide or narrow spaces become the usual ones; soft
    hyphens go. The ideographic spaces that indent a line of Chinese or Japanese stay.
    """

    max_blank_lines: int = Field(1, ge=0, le=100)
    """Largest number of blank lines in a row; the others go."""
    collapse: bool = True
    """Whether several spaces or tabs between words become one space."""


class Unicode(StepSection):
    """Repair of wrongly decoded text (mojibake), and normalization to NFC.

    Control characters go, but those that separate lines, such as vertical tabs and form feeds,
    become line ends. U+0080 to U+009F are read as Windows-1252: U+0085 is an ellipsis.
    """


class EmojiToText(StepSection):
    """Emoji written as words: 👍 becomes `:thumbs_up:`."""
