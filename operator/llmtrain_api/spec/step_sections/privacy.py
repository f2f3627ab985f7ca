"""The step that takes personal data out of documents."""

from enum import StrEnum
from typing import Annotated, Self

from pydantic import AfterValidator, ConfigDict, Field, model_validator

from llmtrain_api.base import rule, rules
from llmtrain_api.spec.step_sections.base import StepSection


class PiiKind(StrEnum):
    """A kind of personal data, or of secret."""

    EMAIL = "email"
    PHONE = "phone"
    IP = "ip"
    IBAN = "iban"
    CARD = "card"
    KEY = "key"


_REGION_CODES = """
AC AD AE AF AG AI AL AM AO AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT
BW BY BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER
ES ET FI FJ FK FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GT GU GW GY HK HN HR HT HU ID IE
IL IM IN IO IQ IR IS IT JE JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV
LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP
NR NU NZ OM PA PE PF PG PH PK PL PM PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK
SL SM SN SO SR SS ST SV SX SY SZ TA TC TD TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG US UY UZ VA
VC VE VG VI VN VU WF WS XK YE YT ZA ZM ZW
"""
REGIONS = tuple(_REGION_CODES.split())
"""Codes (ISO 3166) of the countries whose phone numbers the library phonenumbers knows."""
_MISTAKEN = {"UK": "GB", "EL": "GR"}
"""Codes that are in use for a country, and its code in ISO 3166."""
_NEEDS_PHONE = "phoneRegions needs phone among kinds"


def _known_region(code: str) -> str:
    if code in REGIONS:
        return code
    fault = f"{code!r} is no country with known phone numbers"
    capitals = code.upper()
    instead = _MISTAKEN.get(capitals, capitals)
    if instead in REGIONS:
        raise ValueError(f"{fault}; did you mean {instead}?")
    raise ValueError(f"{fault}; known are: {', '.join(REGIONS)}")


Region = Annotated[
    str, AfterValidator(_known_region), Field(json_schema_extra={"enum": list(REGIONS)})
]


class Pii(StepSection):
    """Replacement of personal data by placeholders such as `<email>`, the same for every text.

    What looks like personal data is checked: the check digits of cards and IBANs, the range of an
    IP address, the lengths of a country's phone numbers. The data report counts what was replaced.
    Not found are names, postal addresses, e-mail addresses in scripts other than the Latin one, and
    IP addresses of single digits, such as `1.1.1.1`, which versions and chapters look like too,
    unless a word such as `ip`, `host` or `server` stands before them.
    """

    model_config = ConfigDict(
        json_schema_extra=rules(
            rule(
                "!has(self.phoneRegions) || size(self.phoneRegions) == 0"
                f" || !has(self.kinds) || '{PiiKind.PHONE}' in self.kinds",
                _NEEDS_PHONE,
            )
        )
    )

    kinds: Annotated[tuple[PiiKind, ...], Field(min_length=1, max_length=len(PiiKind))] = tuple(
        PiiKind
    )
    """Kinds to replace: e-mail addresses, phone numbers, public IP addresses, bank accounts (IBAN),
    payment cards, and keys: private ones, and those of well-known services."""
    phone_regions: Annotated[tuple[Region, ...], Field(max_length=32)] = ()
    """Countries whose phone numbers are found as they are written at home, such as `DE`. Without
    them phone numbers are found that begin with `+` and the country's number."""

    @model_validator(mode="after")
    def _looks_for_phones(self) -> Self:
        if self.phone_regions and PiiKind.PHONE not in self.kinds:
            raise ValueError(_NEEDS_PHONE)
        return self
