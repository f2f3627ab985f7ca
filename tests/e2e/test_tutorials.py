"""The tutorials do what they say: their files and commands, as they stand on the pages."""

from pathlib import Path

import pytest
from support.repository import ROOT
from support.tutorial_page import Reader, first_missing

PAGES = ("own-data.md", "lora.md", "evaluate-in-ci.md")


@pytest.mark.timeout(1800)
def test_tutorials_run_as_written(tmp_path: Path) -> None:
    """One reader goes through all pages, for later ones use the model of the first."""
    assert {*PAGES, "README.md"} == {page.name for page in (ROOT / "docs/tutorials").glob("*.md")}
    reader = Reader(tmp_path)
    for page in PAGES:
        reader.follow(ROOT / "docs" / "tutorials" / page)


def test_a_line_that_was_not_printed_is_found() -> None:
    printed = "│ loss │ 1.25 │\nThe model is ready.\n"
    assert first_missing(("│ loss │ 12.125 │", "...", "The model is ready."), printed) is None
    assert first_missing(("The model is ready.", "│ loss │ 1 │"), printed) == "│ loss │ 1 │"
    assert first_missing(("The model is bad.",), printed) == "The model is bad."
