"""The documents name what there is, and leave nothing out that a user will meet."""

import re
from pathlib import Path

import pytest
from support.repository import ROOT

from llmtrain_api.families import Family

_PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
_SOURCES = [
    path.relative_to(ROOT)
    for folder in ("benchmarks", "operator", "scripts", "tests", "trainer")
    for path in (ROOT / folder).rglob("*.*")
]
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


@pytest.mark.parametrize("page", _PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_source_files_and_tests_in_the_text_exist(page: Path) -> None:
    """A path may leave out its first folders; NAME in capitals is a placeholder."""
    text = page.read_text()
    named = set(re.findall(r"`([\w./-]+/[\w.-]+\.(?:py|go|j2))(?:::\w+)?`", text))
    missing = {path for path in named if "NAME" not in path and not _sources_named(path)}
    assert missing == set()
    for path, test in re.findall(r"`([\w./-]+\.py)::(\w+)`", text):
        assert f"def {test}(" in (ROOT / path).read_text(), f"{path}::{test}"


def _sources_named(path: str) -> list[Path]:
    return [file for file in _SOURCES if f"/{file.as_posix()}".endswith(f"/{path}")]


def test_every_guarantee_names_a_test() -> None:
    rows = (ROOT / "docs" / "guarantees.md").read_text().split("|-|-|\n")[1].split("\n\n")[0]
    assert [row for row in rows.splitlines() if "::test_" not in row] == []


def test_the_readme_lists_every_family() -> None:
    rows = re.findall(r"^\| `(\w+)`", (ROOT / "README.md").read_text(), re.MULTILINE)
    assert sorted(rows) == sorted(Family)


def test_every_reason_is_explained() -> None:
    explained = (ROOT / "docs" / "troubleshooting.md").read_text()
    sources = [*(ROOT / "trainer").rglob("*.py"), *(ROOT / "operator").rglob("*.py")]
    reasons = {reason for path in sources for reason in _REASON.findall(path.read_text())}
    assert {reason for reason in reasons if f"`{reason}`" not in explained} == set()
