"""Text of others, safe to be shown on a terminal and in a status."""


def printable(text: str) -> str:
    """The text with control and formatting characters written as escapes; line breaks stay.

    Such characters move the cursor, recolour or reorder what a terminal shows.
    """
    return "".join(c if c.isprintable() or c == "\n" else _escaped(c) for c in text)


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")
