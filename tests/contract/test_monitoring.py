"""Metrics, alerts, dashboards and their documents name the same things."""

import json
import re
import subprocess
from pathlib import Path

import pytest
import yaml
from support.cluster.binaries import binary
from support.grafana_schema import complaints
from support.promql import NamedQuery, known_labels, panel_queries, queries, rules, selectors
from support.repository import ROOT

from llmtrain_api.metrics import METRICS, Kind

_FILES = ROOT / "charts" / "llmtrain" / "files"
_BOARDS = sorted((_FILES / "dashboards").glob("*.json"))
_RUNBOOKS = ROOT / "docs" / "runbooks"


def _promtool(*arguments: str | Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [binary("promtool"), *arguments], capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("query", queries(), ids=lambda query: f"{query.place} {query.expr}"[:80])
def test_a_query_names_what_there_is(query: NamedQuery) -> None:
    known, named = known_labels(), list(selectors(query.expr))
    assert named
    for metric, labels in named:
        assert metric in known
        assert labels <= known[metric]


def test_every_metric_is_asked_for_somewhere() -> None:
    asked = {name for query in queries() for name, _ in selectors(query.expr)}
    # Of use beside others, or to whoever asks by hand.
    by_hand = {
        "llmtrain_job_info",
        "llmtrain_job_created_timestamp_seconds",
        "llmtrain_job_completion_timestamp_seconds",
        "llmtrain_job_step",
        "llmtrain_job_checkpoint_step",
        "llmtrain_job_tokens",
        "llmtrain_driver_info",
        "llmtrain_driver_progress_ratio",
        "llmtrain_driver_heartbeat_timestamp_seconds",
        "llmtrain_driver_tokens",
        "llmtrain_driver_eta_seconds",
    }
    names = {m.name for m in METRICS if m.kind is not Kind.HISTOGRAM}
    assert names - asked == by_hand


def test_every_metric_is_documented() -> None:
    text = (ROOT / "docs" / "observability.md").read_text()
    assert [metric.name for metric in METRICS if f"`{metric.name}`" not in text] == []


def test_promtool_takes_the_rules() -> None:
    checked = _promtool("check", "rules", "--lint-fatal", _FILES / "rules.yaml")
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_every_alert_fires_and_does_not_and_a_day_is_summed_up(tmp_path: Path) -> None:
    text = (ROOT / "tests" / "golden" / "alerts_test.yaml").read_text()
    (spent,) = (q.expr for q in panel_queries() if q.place == "llmtrain-fleet: Spent per day")
    text = text.replace("SPENT_PER_DAY", f"'{spent.replace('$namespace', '.*')}'")
    tested = tmp_path / "alerts.yaml"
    tested.write_text(text.replace("[RULES]", f"[{_FILES / 'rules.yaml'}]"))
    done = _promtool("test", "rules", tested)
    assert done.returncode == 0, done.stdout + done.stderr
    tests = yaml.safe_load(text)["tests"]
    cases = [case for test in tests for case in test.get("alert_rule_test", ())]
    fired = {case["alertname"] for case in cases if case["exp_alerts"]}
    assert fired == {rule["alert"] for rule in rules() if "alert" in rule}


def test_every_alert_has_a_runbook() -> None:
    alerts = {rule["alert"]: rule for rule in rules() if "alert" in rule}
    assert {path.stem for path in _RUNBOOKS.glob("*.md")} == set(alerts)
    for name, rule in alerts.items():
        assert rule["annotations"]["runbook_url"] == f"RUNBOOKS/{name}.md"


@pytest.mark.parametrize("path", _BOARDS, ids=lambda path: path.stem)
def test_a_dashboard_is_whole(path: Path) -> None:
    board = json.loads(path.read_text())
    panels = [panel for panel in board["panels"] if panel["type"] != "row"]
    assert len({panel["id"] for panel in board["panels"]}) == len(board["panels"])
    taken: set[tuple[int, int]] = set()
    for panel in panels:
        assert panel["description"]
        assert panel["fieldConfig"]["defaults"]["unit"]
        assert panel["targets"]
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken, f"{panel['title']} lies on another"
        assert max(x for x, _ in cells) < 24
        taken |= cells


def test_where_jobs_are_shown_a_click_opens_one() -> None:
    board = json.loads((_FILES / "dashboards" / "llmtrain-fleet.json").read_text())
    urls = {
        panel["title"]: link["url"]
        for panel in board["panels"]
        for override in panel.get("fieldConfig", {}).get("overrides", ())
        for each in override["properties"]
        for link in each["value"]
    }
    assert urls.keys() == {"Top spenders", "Most wasted", "Jobs"}
    for url in urls.values():
        assert url.startswith("/d/llmtrain-job?")
        assert re.search(r"&var-namespace=\$\{[\w.]+\.namespace\}&var-name=\$\{[\w.]+\.name\}", url)


@pytest.mark.parametrize("path", _BOARDS, ids=lambda path: path.stem)
def test_grafana_s_own_types_take_a_dashboard(path: Path, tmp_path: Path) -> None:
    assert complaints(json.loads(path.read_text()), tmp_path) == ""


def test_grafana_s_own_types_refuse_what_it_does_not_know(tmp_path: Path) -> None:
    board = json.loads(_BOARDS[0].read_text())
    board["panels"][1]["options"]["unheardOf"] = True
    assert "unheardOf" in complaints(board, tmp_path)
