"""Personal data is replaced in any language, and what only looks like it stays."""

import time

import pytest
from phonenumbers import SUPPORTED_REGIONS
from pydantic import ValidationError
from support.prose import PERSONAL

from llmtrain_api.spec.step_sections.privacy import REGIONS, Pii, PiiKind
from llmtrain_trainer.data.report import StepCounter
from llmtrain_trainer.data.steps.pii import PiiStep

KEPT = [
    "Version 10.12.13.14 (v10.12.13.14, Chrome/98.0.44.102), section 12.1.2.3, and 1.2.3.4.5",
    "The servers 192.168.1.1, 10.0.0.17, 127.0.0.1, ::1 and fe80::1 are at home",
    "Am 24.12.2024 um 18:30:15, 2024-01-15 12:30:00, in den Jahren 1990-2000 und 2001/2002",
    "ISBN 978-3-16-148410-0, pi is 3.14159265358979323846, ids 1234567890123456 4111111111111112",
    "GB00WEST12345698765432 and AB12CDEFGHIJKLMNOPQRSTUV are no accounts",
    "std::vector<int> a::b; x += 1234567; y = a@b; @decorator.route('/x') task-force-of-the-year",
    "A risk-based approach, sk-8 shoes, and hf_x: 4,111,111,111,111,111 stars",
    "50 + 491 234 567 is a sum, +1 234 is no number of a phone",
    "de00370400440532013000 is no account, and 1.1.1.1 is a chapter; server version 8.8.8.8",
    "a@b.ö and ö@ö are no addresses",
]


def replaced(text: str, **section: object) -> str:
    (after,) = PiiStep(Pii.model_validate(section)).prepare()([text])
    assert isinstance(after, str)
    return after


@pytest.mark.parametrize("language", PERSONAL)
def test_personal_data_is_replaced_in_any_language(language: str) -> None:
    before, after = PERSONAL[language]
    assert replaced(before) == after
    assert replaced(after) == after


@pytest.mark.parametrize("text", KEPT)
def test_what_only_looks_like_personal_data_stays(text: str) -> None:
    assert replaced(text) == text
    assert replaced(text, phoneRegions=["DE", "GB"]) == text


def test_only_the_chosen_kinds_are_replaced() -> None:
    before, _ = PERSONAL["English"]
    assert replaced(before, kinds=["email"]) == (
        "Write to <email> or call +44 20 7946 0958, any time."
    )
    assert replaced("Nothing here", kinds=["ip"]) == "Nothing here"


def test_numbers_as_they_are_written_at_home_need_their_country() -> None:
    text = "Ruf 030 901820 oder (0171) 2345678 an, in den USA 212-555-0142 / (415) 555-2671."
    assert replaced(text) == text
    here = replaced(text, phoneRegions=["DE", "US"])
    assert here == "Ruf <phone> oder <phone> an, in den USA <phone> / <phone>."


def test_regions_are_those_of_the_library() -> None:
    assert set(REGIONS) == SUPPORTED_REGIONS


@pytest.mark.parametrize(
    ("region", "instead"), [("UK", "GB"), ("EL", "GR"), ("de", "DE"), ("uk", "GB")]
)
def test_a_region_that_is_no_code_is_told_the_right_one(region: str, instead: str) -> None:
    with pytest.raises(ValidationError, match=f"'{region}' .* did you mean {instead}"):
        Pii.model_validate({"phoneRegions": [region]})
    with pytest.raises(ValidationError, match=f"'XX' .*: AC, AD, .*{instead}"):
        Pii.model_validate({"phoneRegions": ["XX"]})


def test_accounts_in_small_letters_are_found() -> None:
    text = "Konto de89370400440532013000, gb82 west 1234 5698 7654 32 und mehr."
    assert replaced(text) == "Konto <iban>, <iban> und mehr."


def test_an_address_of_single_digits_is_found_behind_a_word_for_it() -> None:
    for before in ("ip=", "DNS server: ", "The host is ", 'address "', "http://", "ping "):
        assert replaced(f"{before}8.8.8.8 1") == f"{before}<ip> 1"


def test_internationalized_addresses_are_found() -> None:
    text = "An köln@müller.de, info@xn--mller-kva.de oder a@b.xn--p1ai."
    assert replaced(text) == "An <email>, <email> oder <email>."


def test_neighbours_are_told_apart() -> None:
    cards = "5500-0000-0000-0004 378282246310005 4111111111111111"
    assert replaced(cards) == "<card> <card> <card>"
    assert replaced("GB82WEST12345698765432 GB82 WEST 1234 5698 7654 32") == "<iban> <iban>"


def test_the_report_counts_by_kind() -> None:
    step = PiiStep(Pii())
    counter = StepCounter("pii", placeholders=step.placeholders)
    for before, after in PERSONAL.values():
        counter.count("made", before, after)
    counter.count("made", "An <email> that was there", "An <email> that was there")
    report = counter.report()
    assert report.replaced_by_kind == {
        "email": 6, "phone": 6, "iban": 2, "card": 1, "key": 2, "ip": 3,
    }  # fmt: skip
    assert report.changed_documents == len(PERSONAL)


@pytest.mark.parametrize("part", ["a", "a@", "1.", "+1 ", ":", "A1 ", "eyJ", "a.b@c.", "(", "ghp_"])
def test_the_time_grows_with_the_length_alone(part: str) -> None:
    text = part * (60_000 // len(part))
    apply = PiiStep(Pii(kinds=tuple(PiiKind))).prepare()
    apply([text[:100]])
    start = time.process_time()
    apply([text])
    assert time.process_time() - start < 2
