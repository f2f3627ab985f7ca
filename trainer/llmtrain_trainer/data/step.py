"""What a step does to one document."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Dropped:
    """The document ends here, because of this rule."""

    rule: str


@dataclass(frozen=True)
class Step:
    """One step of the data stage.

    Args:
        name: the part of the manifest's section data that asks for it: `clean.html`.
        apply: gives the text to go on with, or drops the document. A pure function, so that the
            documents do not depend on where or in which order they are worked on.
    """

    name: str
    apply: Callable[[str], str | Dropped]
