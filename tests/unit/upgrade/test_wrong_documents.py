"""Stored documents with a null, or a value of a wrong type, at any place: read, or refused."""

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import typer
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import ValidationError
from support.repository import ROOT

from llmtrain_api import names
from llmtrain_api.faults import describe_faults
from llmtrain_api.job import LLMTrainingJob
from llmtrain_api.manifest import parse_job
from llmtrain_api.run_config import RunConfig
from llmtrain_api.upgrade.run_config import OtherVersionError, upgraded_run_config
from llmtrain_api.upgrade.spec import upgraded_spec
from llmtrain_api.upgrade.status import stored_status
from llmtrain_cli.report.command import report

_FOLDER = ROOT / "tests" / "golden" / "releases" / "0.1.0"
_JOBS: dict[str, Any] = json.loads((_FOLDER / "jobs.json").read_text())
_RUN_CONFIGS: dict[str, Any] = json.loads((_FOLDER / "run-configs.json").read_text())
_STATUSES = {name: body["status"] for name, body in _JOBS.items()}
_NOW = {
    name: stored_status(status, "line", "uid").model_dump(mode="json", exclude_none=True)
    for name, status in _STATUSES.items()
}
_SPECS = {name: body["spec"] for name, body in _JOBS.items()}
_JUNK = st.sampled_from(
    [None, True, 7, -1, 1.5, "", "x", [], [None], ["x"], {}, {"x": None}, [{"name": "data"}]]
)


def _places(value: Any, path: tuple[int | str, ...] = ()) -> list[tuple[int | str, ...]]:
    """The paths of a document's values, its own first."""
    inner: Any = ()
    if isinstance(value, dict):
        inner = value.items()
    elif isinstance(value, list):
        inner = enumerate(value)
    return [path, *(place for key, part in inner for place in _places(part, (*path, key)))]


def _with(value: Any, path: tuple[int | str, ...], part: Any) -> Any:
    if not path:
        return part
    changed = dict(value) if isinstance(value, dict) else list(value)
    changed[path[0]] = _with(value[path[0]], path[1:], part)
    return changed


@st.composite
def _damaged(draw: st.DrawFn, documents: list[Any]) -> Any:
    document = draw(st.sampled_from(documents))
    for _ in range(draw(st.integers(1, 2))):
        document = _with(document, draw(st.sampled_from(_places(document))), draw(_JUNK))
    return document


@given(status=_damaged([*_STATUSES.values(), *_NOW.values()]))
@example(status=_STATUSES["running"] | {"stages": None})
@example(status=_STATUSES["running"] | {"plan": None})
@example(status=_STATUSES["running"] | {"progress": None})
@example(status=_STATUSES["running"] | {"stages": [{"state": "Running"}]})
@example(status=_STATUSES["running"] | {"stages": [{"name": "data", "attempt": "1"}]})
@example(status=None)
def test_a_status_is_read_or_refused(status: Any) -> None:
    with suppress(ValidationError):
        stored_status(status, "line", "uid")


@given(spec=_damaged([*_SPECS.values(), _RUN_CONFIGS["data"]]))
@example(spec={"data": {"sources": [], "filter": {"minWords": [5]}}})
def test_a_spec_is_read_or_refused(spec: Any) -> None:
    head = {"apiVersion": names.API_VERSION, "kind": names.KIND, "metadata": {"name": "line"}}
    try:
        parse_job(head | {"spec": upgraded_spec(spec)})
    except ValidationError as error:
        describe_faults(error, LLMTrainingJob)


@given(config=_damaged(list(_RUN_CONFIGS.values())))
def test_a_run_config_is_read_or_refused(config: Any) -> None:
    with suppress(ValidationError, OtherVersionError):
        RunConfig.model_validate(upgraded_run_config(config))


@pytest.mark.parametrize("kind", ["clean", "filter", "dedup"])
def test_a_null_counts_as_left_out(kind: str) -> None:
    data = {"sources": [{"pythonDocs": {}}], "filter": {"minWords": 5}, kind: None}
    steps = upgraded_spec({"data": {key: value for key, value in data.items() if value}})
    job = {"apiVersion": names.API_VERSION, "kind": names.KIND, "metadata": {"name": "line"}}
    given, left_out = (
        parse_job(job | {"spec": spec}).spec.data for spec in (upgraded_spec({"data": data}), steps)
    )
    assert given == left_out


def test_a_flag_that_is_no_flag_is_not_taken_for_one() -> None:
    data = {"sources": [{"pythonDocs": {}}], "clean": {"html": "no"}}
    job = {"apiVersion": names.API_VERSION, "kind": names.KIND, "metadata": {"name": "line"}}
    with pytest.raises(ValidationError) as refused:
        parse_job(job | {"spec": upgraded_spec({"data": data})})
    assert "spec.data.clean: unknown field" in describe_faults(refused.value, LLMTrainingJob)[0]


@pytest.mark.parametrize("part", [{"status": []}, {"spec": None}, {"metadata": {"name": None}}])
def test_a_report_of_a_damaged_object_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], part: dict[str, Any]
) -> None:
    path = tmp_path / "job.json"
    path.write_text(json.dumps(_JOBS["running"] | part))
    with pytest.raises(typer.Exit):
        report(tmp_path, output=None, status=path)
    assert "should hold one LLMTrainingJob" in capsys.readouterr().err


def test_a_report_does_without_the_progress_of_a_job(tmp_path: Path) -> None:
    body = _JOBS["running"] | {"status": _STATUSES["running"] | {"progress": None}}
    path = tmp_path / "job.json"
    path.write_text(json.dumps(body))
    report(tmp_path, output=None, status=path)
    assert (tmp_path / "report.html").exists()
