"""The report as people see it: on a desk, on a phone, in the dark, on paper."""

import os
import struct
from pathlib import Path

import pytest
from support.browser import browser_program, open_browser
from support.report_workspace import finished_run

from llmtrain_cli.report.command import write_report

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        browser_program() is None and "CI" not in os.environ,
        reason="there is no Chromium; CI installs it",
    ),
]

_BACKGROUND = "getComputedStyle(document.body).backgroundColor"
_BEYOND_THE_EDGE = """
[...document.querySelectorAll('h1, h2, h3, p, dd, dt, summary, svg.band-of-time')]
  .filter(e => e.getClientRects().length && e.getBoundingClientRect().right > innerWidth + 1)
  .map(e => e.textContent)
"""
_WIDTH = "document.documentElement.scrollWidth"


@pytest.fixture
def report(tmp_path: Path) -> Path:
    return write_report(*finished_run(tmp_path / "workspace"))


@pytest.mark.parametrize("width", [1280, 768, 375, 320])
async def test_nothing_lies_beyond_the_edge(report: Path, tmp_path: Path, width: int) -> None:
    async with open_browser(tmp_path / "browser") as page:
        await page.open(report, width=width)
        assert await page.value(_WIDTH) <= width
        assert await page.value(_BEYOND_THE_EDGE) == []
        assert page.complaints == []


async def test_dark_is_dark(report: Path, tmp_path: Path) -> None:
    async with open_browser(tmp_path / "browser") as page:
        await page.open(report, width=1280, dark=True)
        dark = await page.value(_BACKGROUND)
        await page.open(report, width=1280)
        light = await page.value(_BACKGROUND)
    assert (light, dark) == ("rgb(255, 255, 255)", "rgb(20, 23, 27)")


@pytest.mark.parametrize(
    ("width", "dark"), [(1280, False), (1280, True), (375, False)], ids=["desk", "dark", "phone"]
)
async def test_the_whole_page_is_drawn(
    report: Path, tmp_path: Path, *, width: int, dark: bool
) -> None:
    async with open_browser(tmp_path / "browser") as page:
        await page.open(report, width=width, dark=dark)
        picture = await page.screenshot()
        height = await page.value("document.documentElement.scrollHeight")
    (tmp_path / "report.png").write_bytes(picture)  # to look at
    assert struct.unpack(">II", picture[16:24]) == (width, height)


async def test_what_is_drawn_has_a_size(report: Path, tmp_path: Path) -> None:
    drawn = "[...document.querySelectorAll('.plot > svg, svg.band-of-time')]"
    heights_of = f"{drawn}.map(e => e.getBoundingClientRect().height)"
    async with open_browser(tmp_path / "browser") as page:
        await page.open(report, width=1280)
        heights = await page.value(heights_of)
    assert len(heights) == 3  # the time, the loss, the speed
    assert min(heights) >= 36


async def test_it_prints(report: Path, tmp_path: Path) -> None:
    async with open_browser(tmp_path / "browser") as page:
        await page.open(report, width=1280)
        pdf = await page.pdf()
    assert pdf.startswith(b"%PDF")
    assert pdf.count(b"/Type /Page\n") + pdf.count(b"/Type /Page ") >= 1
