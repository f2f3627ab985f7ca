"""What a PromQL query asks for."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import promql_parser
import yaml
from support.repository import ROOT

from llmtrain_api.metrics import METRICS, Kind

_FILES = ROOT / "charts" / "llmtrain" / "files"
_RATE_INTERVAL = "$__rate_interval"
_HISTOGRAM_PARTS = ("_bucket", "_sum", "_count")
# Prometheus adds these to what it scrapes.
_OF_TARGETS = {"namespace", "instance", "job", "le"}


@dataclass(frozen=True)
class NamedQuery:
    """A query, and where it stands."""

    place: str
    expr: str


def rules() -> list[dict[str, Any]]:
    """The chart's rules."""
    groups = yaml.safe_load((_FILES / "rules.yaml").read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


def panel_queries() -> Iterator[NamedQuery]:
    """The queries of all dashboards, as Grafana sends them."""
    for path in sorted((_FILES / "dashboards").glob("*.json")):
        for panel in json.loads(path.read_text())["panels"]:
            for target in panel.get("targets", ()):
                place = f"{path.stem}: {panel['title']}"
                yield NamedQuery(place, target["expr"].replace(_RATE_INTERVAL, "5m"))


def queries() -> list[NamedQuery]:
    """The queries of all dashboards, alerts and records."""
    named = (NamedQuery(rule.get("alert") or rule["record"], rule["expr"]) for rule in rules())
    return [*named, *panel_queries()]


def selectors(expr: str) -> Iterator[tuple[str, set[str]]]:
    """Each metric that a query names, and the labels that it is chosen by."""
    # Grafana's variables stand in strings; what they stand for is of no matter here.
    tree = promql_parser.parse(expr)
    for name, matchers in re.findall(r"([a-z_:][a-zA-Z0-9_:]*)\s*\{([^}]*)\}", tree.prettify()):
        yield name, set(re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", matchers))
    bare = re.sub(r'"[^"]*"|\{[^}]*\}', "", tree.prettify())
    for name in re.findall(r"\b(?:llmtrain_|namespace:llmtrain_)\w+(?::\w+)?", bare):
        yield name, set()


def known_labels() -> dict[str, set[str]]:
    """By the name of each series that there is: the labels that it may be chosen by."""
    known = {}
    for metric in METRICS:
        parts = _HISTOGRAM_PARTS if metric.kind is Kind.HISTOGRAM else ("",)
        for part in parts:
            known[metric.name + part] = {*metric.labels, *_OF_TARGETS}
    for rule in rules():
        if "record" in rule:
            known[rule["record"]] = {"namespace"}
    return known
