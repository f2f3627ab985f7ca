"""A real Prometheus beside a test."""

import http.client
import json
import subprocess
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml
from support.cluster.binaries import binary
from support.cluster.processes import LOOPBACK, Process, answers_ok, free_port
from support.repository import ROOT

_RULES = ROOT / "charts" / "llmtrain" / "files" / "rules.yaml"
_SCRAPE_SECONDS = 2


class Prometheus:
    """A running Prometheus.

    Args:
        process: process of it.
        port: where it answers.
    """

    def __init__(self, process: Process, port: int) -> None:
        self.process, self._url, self._since = process, f"http://{LOOPBACK}:{port}", time.time()

    def now(self, expr: str) -> list[dict[str, Any]]:
        """The series of a query at this moment."""
        return self._ask("query", query=expr)

    def ever(self, expr: str) -> list[dict[str, Any]]:
        """The series that a query had at any time since the start."""
        step = max((time.time() - self._since) / 1000, 1)
        times = {"start": self._since, "end": time.time(), "step": step}
        return self._ask("query_range", query=expr, **times)

    def targets_down(self) -> list[str]:
        """What cannot be scraped, and why."""
        with urllib.request.urlopen(f"{self._url}/api/v1/targets") as reply:
            targets = json.load(reply)["data"]["activeTargets"]
        return [f"{t['scrapeUrl']}: {t['lastError']}" for t in targets if t["health"] != "up"]

    def _ask(self, what: str, **query: object) -> list[dict[str, Any]]:
        url = f"{self._url}/api/v1/{what}?{urllib.parse.urlencode(query)}"
        with urllib.request.urlopen(url) as reply:
            result: list[dict[str, Any]] = json.load(reply)["data"]["result"]
        return result


@contextmanager
def running_prometheus(folder: Path, scrapes: list[dict[str, Any]]) -> Iterator[Prometheus]:
    """Run Prometheus with the chart's rules; it ends with the context.

    Args:
        folder: for its data and its log.
        scrapes: as in `scrape_configs`.
    """
    port, settings = free_port(), folder / "prometheus.yaml"
    interval = f"{_SCRAPE_SECONDS}s"
    document = {
        "global": {"scrape_interval": interval, "evaluation_interval": interval},
        "rule_files": [str(_RULES)],
        "scrape_configs": [{"honor_labels": True, **scrape} for scrape in scrapes],
    }
    settings.write_text(yaml.safe_dump(document))
    log = folder / "prometheus.log"
    with log.open("ab") as output:
        handle = subprocess.Popen(
            [
                binary("prometheus"),
                f"--config.file={settings}",
                f"--storage.tsdb.path={folder / 'prometheus'}",
                f"--web.listen-address={LOOPBACK}:{port}",
            ],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    process = Process("prometheus", handle, log, entered=False)
    try:
        connection = http.client.HTTPConnection(LOOPBACK, port)
        process.wait_until(lambda: answers_ok(connection, "/-/ready"))
        yield Prometheus(process, port)
    finally:
        process.stop()


def through_api_server(name: str, kubeconfig: Path, path: str) -> dict[str, Any]:
    """Scrapes what only the API server can reach.

    Args:
        name: name of the targets.
        kubeconfig: with all rights.
        path: on the API server.
    """
    settings = yaml.safe_load(kubeconfig.read_text())
    cluster, user = settings["clusters"][0]["cluster"], settings["users"][0]["user"]
    return {
        "job_name": name,
        "scheme": "https",
        "metrics_path": path,
        "tls_config": {"ca_file": cluster["certificate-authority"]},
        "authorization": {"credentials": user["token"]},
        "static_configs": [{"targets": [cluster["server"].removeprefix("https://")]}],
    }
