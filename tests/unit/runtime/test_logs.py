"""Lines of the operator's log, as a log collector reads them."""

import json
import subprocess
import sys

import pytest

pytestmark = pytest.mark.slow
_SAY = """
import logging
from llmtrain_operator.logs import configure_logs, of_job
configure_logs({form!r})
log = logging.getLogger("llmtrain_operator.runtime.controller")
log.warning("%s; trying again", "no route", extra=of_job("team-a", "chat"))
log.info("all is well")
"""


def _lines(form: str) -> list[str]:
    said = subprocess.run(
        [sys.executable, "-c", _SAY.format(form=form)], check=True, capture_output=True, text=True
    )
    return said.stderr.splitlines()


def test_json_has_level_and_job_as_fields() -> None:
    about_a_job, about_none = map(json.loads, _lines("json"))
    assert about_a_job["severity"] == "warn"
    assert about_a_job["object"] == {"namespace": "team-a", "name": "chat"}
    assert about_a_job["message"].endswith("no route; trying again")
    assert about_none["severity"] == "info"
    assert "object" not in about_none


def test_text_begins_with_the_job() -> None:
    about_a_job, about_none = _lines("text")
    assert "WARNING" in about_a_job
    assert "[team-a/chat] no route; trying again" in about_a_job
    assert about_none.endswith("all is well")
