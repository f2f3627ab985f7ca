"""Builds the documentation site in dist/site: `make docs`.

The site has the folders of the repository, so that a link works in both. Files that a page links to
are part of the site, too. A link that leads nowhere fails the build.
"""

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
_SOURCE = ROOT / "dist" / "site-source"
_LINK = re.compile(r"\]\((?!https?:|#)([^)#\s]+)")


def main() -> int:
    """Copy the pages and build; returns zensical's exit code."""
    shutil.rmtree(_SOURCE, ignore_errors=True)
    for path in sorted({*_pages(), *_linked_files()}):
        target = _SOURCE / path.relative_to(ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
    zensical, config = Path(sys.executable).with_name("zensical"), ROOT / "mkdocs.yml"
    command = [str(zensical), "build", "--strict", "--clean", "--config-file", str(config)]
    run = subprocess.run(command, check=False, capture_output=True, text=True)
    if run.returncode:
        print(re.sub(r"\x1b\[[\d;]*m", "", run.stdout), run.stderr.splitlines()[-1], sep="\n")
        return 1
    print("The site is dist/site/index.html.")
    return 0


def _pages() -> Iterator[Path]:
    yield from ROOT.glob("*.md")
    yield from (ROOT / "docs").rglob("*.md")


def _linked_files() -> Iterator[Path]:
    """Every file that a page links to, pictures among them."""
    for page in _pages():
        for link in _LINK.findall(page.read_text(encoding="utf-8")):
            path = (page.parent / link).resolve()
            if path.is_file():
                yield path


if __name__ == "__main__":
    sys.exit(main())
