"""The step `pii`: e-mail addresses, phone numbers and the like are replaced with placeholders.

What looks like one is checked as far as it can be: a number's check digits, an address's range, the
lengths of a country's phone numbers. Each kind is looked for only in texts that hold its signs.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from ipaddress import AddressValueError, IPv4Address, IPv6Address, IPv6Network

from llmtrain_api.spec.step_sections.privacy import Pii, PiiKind
from llmtrain_trainer.data.steps.base import DocumentStep, TextFunction, one_by_one

Span = tuple[int, int]
Find = Callable[[str], Iterator[Span]]

_LETTER = "A-Za-z0-9\u00c0-\u024f"
_LOCAL_PART = re.compile(rf"[{_LETTER}][{_LETTER}._%+-]{{0,63}}\Z")
_LONGEST_LOCAL_PART = 64
_LABEL = rf"[{_LETTER}](?:[{_LETTER}-]{{0,61}}[{_LETTER}])?"
_DOMAIN = re.compile(
    rf"@(?:{_LABEL}\.){{1,8}}(?:[a-z]{{2,24}}|xn--[a-z0-9-]{{1,59}})(?![a-z0-9-])", re.IGNORECASE
)
_SECRETS = (
    r"AKIA[0-9A-Z]{16}",  # Amazon
    r"AIza[\w-]{35}",  # Google
    r"gh[oprsu]_[A-Za-z0-9]{36,255}",
    r"github_pat_\w{22,255}",
    r"glpat-[\w-]{20,255}",
    r"hf_[A-Za-z0-9]{30,255}",
    r"npm_[A-Za-z0-9]{36}",
    r"pypi-AgE[\w-]{50,1000}",
    r"sk-(?:ant-|proj-)?[\w-]{20,255}",
    r"[rs]k_(?:live|test)_[A-Za-z0-9]{16,255}",  # Stripe
    r"SG\.[\w-]{22}\.[\w-]{43}",  # SendGrid
    r"xox[abeoprs]-[A-Za-z0-9-]{10,255}",  # Slack
    r"eyJ[\w-]{10,4000}\.eyJ[\w-]{10,4000}\.[\w-]{10,4000}",  # JSON Web Tokens
)
_SECRET = re.compile(rf"(?<![\w-])(?:{'|'.join(_SECRETS)})(?![\w-])", re.ASCII)
_SECRET_SIGN = re.compile(
    "AKIA|AIza|gh[oprsu]_|_pat_|glpat-|hf_|npm_|pypi-|sk-|k_live|k_test|SG\\.|xox|eyJ"
)
_KEY_BEGIN = re.compile("-----BEGIN (?:[A-Z]+ ){0,3}PRIVATE KEY-----")
_KEY_END = re.compile("-----END (?:[A-Z]+ ){0,3}PRIVATE KEY-----")
_LONGEST_KEY = 16_384
_IBAN = re.compile(r"[A-Za-z]{2}[0-9]{2}(?: ?[A-Za-z0-9]){11,30}")
_ACCOUNTS = (
    "AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BI27 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DJ27 "
    "DK18 DO28 EE20 EG29 ES24 FI18 FK18 FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HN28 HR21 HU28 "
    "IE22 IL23 IQ23 IS26 IT27 JO30 KW30 KZ20 LB28 LC32 LI21 LT20 LU20 LV21 LY25 MC27 MD24 ME22 "
    "MK19 MN20 MR27 MT31 MU30 NI28 NL18 NO15 OM23 PK24 PL28 PS29 PT25 QA29 RO24 RS22 RU33 SA24 "
    "SC31 SD18 SE24 SI19 SK24 SM27 SO23 ST25 SV28 TL23 TN24 TR26 UA29 VA22 VG24 XK20 YE30"
)
_IBAN_LENGTHS = {each[:2]: int(each[2:]) for each in _ACCOUNTS.split()}
"""Letters and digits of an account's number in each country (the registry of ISO 13616)."""
_CARD = re.compile(r"[2-6][0-9]{3}(?:[ -]?[0-9]){9,15}")
_CARD_LENGTHS = (
    (re.compile("4"), (13, 16, 19)),  # Visa
    (re.compile("5[1-5]|22[2-9]|2[3-6]|27[01]|2720"), (16,)),  # Mastercard
    (re.compile("3[47]"), (15,)),  # American Express
    (re.compile("6011|64[4-9]|65"), (16, 19)),  # Discover
    (re.compile("35"), (16, 19)),  # JCB
    (re.compile("3[068]"), (14,)),  # Diners Club
    (re.compile("62"), (16, 17, 18, 19)),  # UnionPay
)
_IPV4 = re.compile(r"[0-9]{1,3}(?:\.[0-9]{1,3}){3}")
_BEFORE_VERSION = re.compile(
    r"(?:\bv|\bver|version|release|build|firmware|update|section|chapter|§)[\s.:=()\"']*\Z"
    r"|[A-Za-z][/-]\Z",
    re.IGNORECASE,
)
_BEFORE_ADDRESS = re.compile(
    r"(?:(?:\b|_)(?:ip|ipv4|hosts?|servers?|dns|resolver|nameserver|addr(?:ess)?|gateway|ping)"
    r"(?: (?:is|at|to))?[\s:=(\[\"'`]*|://|@)\Z",
    re.IGNORECASE,
)
_COLONS = re.compile(":[0-9A-Fa-f]{0,4}:")
_HEX_LETTERS = 4
_HEX_BEFORE = re.compile(r"[0-9A-Fa-f]+\Z")
_IPV6 = re.compile("(?:[0-9A-Fa-f]{0,4}:){2,7}[0-9A-Fa-f]{0,4}")
_GIVEN_OUT = IPv6Network("2000::/3")
"""The addresses that are given to networks (RFC 4291, section 2.4)."""
_PHONE_MARKS = r"[0-9\s().\u00a0/-]{5,24}[0-9]"
_PHONE = re.compile(rf"\+[0-9]{_PHONE_MARKS}")
_LOCAL_PHONE = re.compile(rf"[(+0-9][0-9]?{_PHONE_MARKS}")
_DATE_OR_TIME = re.compile(
    r"(?:19|20)[0-9]{2}[-/.][0-9]{1,2}[-/.][0-9]{1,2}|[0-9]{1,2}[-/.][0-9]{1,2}[-/.](?:19|20)[0-9]{2}"
    r"|[0-9]:[0-9]{2}|(?:19|20)[0-9]{2} ?[-/] ?(?:19|20)[0-9]{2}"
)
_DIGIT = re.compile("[0-9]")
_BEFORE, _AFTER = 16, 3
"""Characters around a number that say what it is."""
_WORD_BEFORE = re.compile(r"[A-Za-z0-9_.]\Z")
_WORD_AFTER = re.compile(r"[A-Za-z0-9_]|[.,-][0-9]")


class PiiStep(DocumentStep[Pii]):
    """Replaces what identifies people with placeholders, one for each kind."""

    @property
    def placeholders(self) -> Mapping[str, str]:
        """The placeholder of each kind."""
        return {kind.value: _placeholder(kind) for kind in self.section.kinds}

    def prepare(self) -> TextFunction:
        """Choose what is looked for; the longest kinds come first."""
        finders = {
            kind: find for kind, find in self._finders().items() if kind in self.section.kinds
        }

        def apply(text: str) -> str:
            for kind, find in finders.items():
                text = _replaced(text, find(text), _placeholder(kind))
            return text

        return one_by_one(apply)

    def _finders(self) -> dict[PiiKind, Find]:
        return {
            PiiKind.KEY: _secrets,
            PiiKind.EMAIL: _emails,
            PiiKind.IBAN: _ibans,
            PiiKind.CARD: _cards,
            PiiKind.IP: _addresses,
            PiiKind.PHONE: partial(_phones, regions=self.section.phone_regions),
        }


def _placeholder(kind: PiiKind) -> str:
    return f"<{kind}>"


def _replaced(text: str, spans: Iterator[Span], placeholder: str) -> str:
    parts, done = [], 0
    for start, end in spans:
        parts += [text[done:start], placeholder]
        done = end
    return "".join([*parts, text[done:]]) if parts else text


def _emails(text: str) -> Iterator[Span]:
    place = text.find("@")
    while place >= 0:
        before = text[max(place - _LONGEST_LOCAL_PART - 1, 0) : place]
        local, domain = _LOCAL_PART.search(before), _DOMAIN.match(text, place)
        if local is not None and domain is not None and len(local[0]) <= _LONGEST_LOCAL_PART:
            yield place - len(local[0]), domain.end()
        place = text.find("@", place + 1)


def _secrets(text: str) -> Iterator[Span]:
    found = [*_private_keys(text)] if "PRIVATE KEY-----" in text else []
    if _SECRET_SIGN.search(text):
        found += [each.span() for each in _SECRET.finditer(text)]
    end = 0
    for span in sorted(found):
        if span[0] >= end:
            yield span
            end = span[1]


def _private_keys(text: str) -> Iterator[Span]:
    for begin in _KEY_BEGIN.finditer(text):
        end = _KEY_END.search(text, begin.end(), begin.end() + _LONGEST_KEY)
        if end is not None:
            yield begin.start(), end.end()


def _checked(
    pattern: re.Pattern[str], text: str, is_valid: Callable[[str], bool]
) -> Iterator[Span]:
    """The numbers that stand alone and are valid.

    A match may hold the beginning of the next number too, behind a space.
    """
    found = pattern.search(text) if _DIGIT.search(text) else None
    while found is not None:
        start = found.start()
        ends = (end for end in _ends(found) if _stands_alone(text, start, end))
        end = next((end for end in ends if is_valid(text[start:end])), None)
        if end is not None:
            yield start, end
        found = pattern.search(text, start + 1 if end is None else end)


def _ends(found: re.Match[str]) -> Iterator[int]:
    """The ends of words in a match, the last one first."""
    yield found.end()
    for place in range(found.end() - 1, found.start(), -1):
        if found.string[place] == " ":
            yield place


def _ibans(text: str) -> Iterator[Span]:
    return _checked(_IBAN, text, _is_iban)


def _is_iban(number: str) -> bool:
    """Whether its length is its country's, and its check digits are right (ISO 13616)."""
    compact = number.replace(" ", "").upper()
    if len(compact) != _IBAN_LENGTHS.get(compact[:2]):
        return False
    digits = "".join(str(int(letter, 36)) for letter in compact[4:] + compact[:4])
    return int(digits) % 97 == 1


def _stands_alone(text: str, start: int, end: int) -> bool:
    """Whether a number is not a part of a longer number or word."""
    before, after = text[max(start - 1, 0) : start], text[end : end + _AFTER]
    return not _WORD_BEFORE.search(before) and not _WORD_AFTER.match(after)


def _cards(text: str) -> Iterator[Span]:
    return _checked(_CARD, text, _is_card)


def _is_card(number: str) -> bool:
    """Whether its length is its brand's, and its check digit is right (ISO 7812, Luhn)."""
    digits = re.sub("[ -]", "", number)
    if not any(brand.match(digits) and len(digits) in sizes for brand, sizes in _CARD_LENGTHS):
        return False
    last, doubled = map(int, digits[::-2]), (2 * int(digit) for digit in digits[-2::-2])
    return (sum(last) + sum(number // 10 + number % 10 for number in doubled)) % 10 == 0


def _addresses(text: str) -> Iterator[Span]:
    if not _DIGIT.search(text):
        return
    found = [each.span() for each in _IPV4.finditer(text) if _is_public_ipv4(each)]
    for colons in _COLONS.finditer(text):
        place = colons.start()
        before = _HEX_BEFORE.search(text, max(place - _HEX_LETTERS, 0), place)
        each = _IPV6.match(text, before.start() if before else place)
        if each is not None and _is_public_ipv6(each):
            found.append(each.span())
    yield from sorted(set(found))


def _is_public_ipv4(found: re.Match[str]) -> bool:
    """Whether it is a public address, and no version.

    `1.2.3.4` is a version or a chapter, but for behind a word that says otherwise.
    """
    before = found.string[max(found.start() - _BEFORE, 0) : found.start()]
    has_single_digits = all(len(part) == 1 for part in found[0].split("."))
    if has_single_digits and not _BEFORE_ADDRESS.search(before):
        return False
    if not _stands_alone(found.string, *found.span()) or _BEFORE_VERSION.search(before):
        return False
    try:
        return IPv4Address(found[0]).is_global
    except AddressValueError:
        return False


def _is_public_ipv6(found: re.Match[str]) -> bool:
    start, end = found.span()
    if ":" in found.string[max(start - 1, 0) : start] + found.string[end : end + 1]:
        return False
    try:
        address = IPv6Address(found[0])
    except AddressValueError:
        return False
    return _stands_alone(found.string, start, end) and address.is_global and address in _GIVEN_OUT


def _phones(text: str, *, regions: tuple[str, ...]) -> Iterator[Span]:
    if not _DIGIT.search(text):
        return
    pattern = _LOCAL_PHONE if regions else _PHONE
    found = pattern.search(text)
    while found is not None:
        spans = _phones_in(found, regions)
        yield from spans
        found = pattern.search(text, spans[-1][1] if spans else found.end())


def _phones_in(found: re.Match[str], regions: tuple[str, ...]) -> list[Span]:
    """The numbers in what looks like one."""
    from phonenumbers import PhoneNumberMatcher

    start, end = found.span()
    if _WORD_BEFORE.search(found.string[max(start - 1, 0) : start]):
        return []
    if _DATE_OR_TIME.search(found.string, start, end + _AFTER):
        return []
    for region in regions or (None,):
        matches = PhoneNumberMatcher(found[0], region)
        spans = [(start + each.start, start + each.end) for each in matches]
        spans = [span for span in spans if not _WORD_AFTER.match(found.string, span[1])]
        if spans:
            return spans
    return []
