"""The documents name what there is, and leave nothing out that a user will meet."""

import re
from pathlib import Path

import pytest
from support.repository import ROOT

_PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
_REASON = re.compile(r'(?i:reason)(?:, message|: str)? ?= ?"([A-Z]\w+)"')


@pytest.mark.parametrize("page", _PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_to_files(page: Path) -> None:
    text = re.sub(r"`[^`\n]*`", "", page.read_text())  # a pattern is no link
    links = re.findall(r"\]\((?!https?:|#)([^)#]+)", text)
    assert [link for link in links if not (page.parent / link).exists()] == []


def test_every_promise_names_a_test_that_exists() -> None:
    promises = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", (ROOT / "README.md").read_text())
    assert promises
    for path, name in promises:
        assert f"def {name}(" in (ROOT / path).read_text(), f"{path}::{name}"


def test_every_reason_is_explained() -> None:
    explained = (ROOT / "docs" / "troubleshooting.md").read_text()
    sources = [*(ROOT / "trainer").rglob("*.py"), *(ROOT / "operator").rglob("*.py")]
    reasons = {reason for path in sources for reason in _REASON.findall(path.read_text())}
    assert {reason for reason in reasons if f"`{reason}`" not in explained} == set()
