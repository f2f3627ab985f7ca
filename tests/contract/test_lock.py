"""What is installed is what pyproject.toml asks for, and nothing that was not looked at."""

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from support.repository import ROOT

_PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
_ASKED_FOR = [
    *_PROJECT["project"]["dependencies"],
    *(one for extra in _PROJECT["project"]["optional-dependencies"].values() for one in extra),
    *_PROJECT["dependency-groups"]["dev"],
]
_LOCKED = dict(
    re.findall(r"^([\w.-]+)==([^\s;]+)", (ROOT / "requirements.lock").read_text(), re.MULTILINE)
)


@pytest.mark.parametrize("asked_for", _ASKED_FOR)
def test_the_lock_holds_what_the_project_asks_for(asked_for: str) -> None:
    requirement = Requirement(asked_for)
    assert requirement.specifier.contains(_LOCKED[canonicalize_name(requirement.name)])


@pytest.mark.parametrize(
    "lock", sorted(ROOT.glob("requirements*.lock")), ids=lambda path: path.name
)
def test_every_package_is_pinned_by_hash(lock: Path) -> None:
    """Pip and uv refuse the rest with --require-hashes; an image would fail to build."""
    entries = re.split(r"\n(?=[\w-])", lock.read_text().strip())
    pinned = re.compile(r"[\w.-]+==.*--hash=sha256:", re.DOTALL)
    unpinned = [each for each in entries if not pinned.match(each)]
    assert unpinned == []


def test_the_uv_of_the_makefile_is_that_of_the_images() -> None:
    version = re.search(r"^UV_VERSION := (.+)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert version is not None
    assert f"uv=={version[1]} " in (ROOT / "requirements-build.lock").read_text()


@pytest.mark.parametrize("name", ["operator", "trainer"])
def test_an_image_is_built_from_what_is_pinned(name: str) -> None:
    text = (ROOT / "images" / f"{name}.Dockerfile").read_text()
    bases = re.findall(r"^FROM (\S+)", text, re.MULTILINE)
    assert set(bases) == {"$BASE"}, "whose digest the build insists on"
    assert 'case "$BASE" in *@sha256:*' in text
    for command in re.findall(r"pip (?:install|sync|wheel).*", text):
        assert "--require-hashes" in command or "--no-deps" in command, command
