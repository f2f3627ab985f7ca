"""The documents name what there is, and leave nothing out that a user will meet."""

import re
from pathlib import Path

import pytest
from support.repository import ROOT

from llmtrain_api.families import Family

_PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
_REASON = re.compile(r'(?i:reason)(?:, message|: str)? ?= ?"([A-Z]\w+)"')


@pytest.mark.parametrize("page", _PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_to_files(page: Path) -> None:
    text = re.sub(r"`[^`\n]*`", "", page.read_text())  # a pattern is no link
    links = re.findall(r"\]\((?!https?:|#)([^)#]+)", text)
    assert [link for link in links if not (page.parent / link).exists()] == []


def test_every_page_is_in_the_navigation_of_the_site() -> None:
    navigation = (ROOT / "mkdocs.yml").read_text()
    pages = [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), *ROOT.glob("docs/tutorials/*.md")]
    assert [page for page in pages if f" {page.relative_to(ROOT)}\n" not in navigation] == []


def test_every_guarantee_names_a_test_that_exists() -> None:
    page = (ROOT / "docs" / "guarantees.md").read_text()
    guarantees = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", page)
    assert guarantees
    for path, name in guarantees:
        assert f"def {name}(" in (ROOT / path).read_text(), f"{path}::{name}"


def test_the_readme_lists_every_family() -> None:
    rows = re.findall(r"^\| `(\w+)`", (ROOT / "README.md").read_text(), re.MULTILINE)
    assert sorted(rows) == sorted(Family)


def test_every_reason_is_explained() -> None:
    explained = (ROOT / "docs" / "troubleshooting.md").read_text()
    sources = [*(ROOT / "trainer").rglob("*.py"), *(ROOT / "operator").rglob("*.py")]
    reasons = {reason for path in sources for reason in _REASON.findall(path.read_text())}
    assert {reason for reason in reasons if f"`{reason}`" not in explained} == set()
