"""The step that takes personal data out of documents."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field, StringConstraints

from llmtrain_api.base import written
from llmtrain_api.spec.step_sections.base import StepSection


class PiiKind(StrEnum):
    """A kind of personal data, or of secret."""

    EMAIL = "email"
    PHONE = "phone"
    IP = "ip"
    IBAN = "iban"
    CARD = "card"
    KEY = "key"


Region = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Z]{2}$", max_length=2),
    written("a country's code of two capitals, such as DE (ISO 3166)"),
]


class Pii(StepSection):
    """Replacement of personal data by placeholders such as `<email>`, the same for every text.

    What looks like personal data is checked: the check digits of cards and IBANs, the range of an
    IP address, the lengths of a country's phone numbers. The data report counts what was replaced.
    Names and postal addresses are not found.
    """

    kinds: Annotated[tuple[PiiKind, ...], Field(min_length=1, max_length=len(PiiKind))] = tuple(
        PiiKind
    )
    """Kinds to replace: e-mail addresses, phone numbers, public IP addresses, bank accounts (IBAN),
    payment cards, and keys: private ones, and those of well-known services."""
    phone_regions: Annotated[tuple[Region, ...], Field(max_length=32)] = ()
    """Countries whose phone numbers are found as they are written at home, such as `DE`. Without
    them phone numbers are found that begin with `+` and the country's number."""
