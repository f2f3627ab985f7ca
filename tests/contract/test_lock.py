"""What is installed is what pyproject.toml asks for, and nothing that was not looked at."""

import re
import tomllib

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
