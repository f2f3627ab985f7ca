"""How soon a run knows when it will end, and what it will have cost.

    python benchmarks/forecast.py manifests/quickstart.yaml

It runs the manifest at 3.60 USD an hour, writes down what the status forecasts at each percent of
pretraining, and compares that with what came.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from llmtrain.local.state import RunState, StoredRun
from llmtrain_api.stages import Stage
from llmtrain_api.workspace import Workspace
from llmtrain_lifecycle.status_text import read_time

_USD_PER_HOUR = 3.6
_SHOWN_PERCENT = (5, 10, 20, 40, 60, 80, 95)


@dataclass(frozen=True)
class Forecast:
    """What a status forecasts of the whole run."""

    percent: float
    """Finished share of pretraining."""
    seconds: float
    usd: float


def main() -> None:
    """Run, watch, compare."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("manifest", type=Path)
    manifest: Path = parser.parse_args().manifest
    folder = Path(tempfile.mkdtemp(prefix="forecast-"))
    command = ["run", str(manifest), "--workspace", str(folder)]
    llmtrain = Path(sys.executable).with_name("llmtrain")
    run = subprocess.Popen(
        [llmtrain, *command, "--price-per-hour", str(_USD_PER_HOUR)], stdout=subprocess.DEVNULL
    )
    state, forecasts = RunState(Workspace(folder)), []
    while run.poll() is None:
        time.sleep(1)
        stored = state.read()
        forecast = forecast_of(stored) if stored else None
        if forecast is not None:
            forecasts.append(forecast)
    stored = state.read()
    assert stored is not None
    show(forecasts, *outcome(stored))


def forecast_of(stored: StoredRun) -> Forecast | None:
    """What the status forecasts; None outside of pretraining."""
    progress, goodput, cost = stored.status.progress, stored.status.goodput, stored.status.cost
    if progress is None or goodput is None or cost is None or cost.forecast_usd is None:
        return None
    if (
        progress.stage is not Stage.PRETRAIN
        or not progress.step
        or not progress.pipeline_eta_seconds
    ):
        return None
    seconds = goodput.seconds.total + progress.pipeline_eta_seconds
    return Forecast(progress.stage_percent, seconds, float(cost.forecast_usd))


def outcome(stored: StoredRun) -> tuple[float, float]:
    """Seconds and US dollars of the whole run."""
    goodput, cost = stored.status.goodput, stored.status.cost
    assert goodput is not None
    assert cost is not None
    assert stored.status.completion_time is not None
    start = read_time(goodput.intervals[0].start)
    took = read_time(stored.status.completion_time) - start
    return took.total_seconds(), float(cost.spent_usd)


def show(forecasts: list[Forecast], seconds: float, usd: float) -> None:
    """Print each forecast beside the outcome."""
    print(f"{'pretraining':<14}{'seconds':>9}{'error':>9}{'USD':>9}{'error':>9}")
    for percent in _SHOWN_PERCENT:
        found = next((each for each in forecasts if each.percent >= percent), None)
        if found is not None:
            errors = (found.seconds / seconds - 1, found.usd / usd - 1)
            print(
                f"{found.percent:>9.0f} %   {found.seconds:>9.0f}{errors[0]:>9.1%}"
                f"{found.usd:>9.2f}{errors[1]:>9.1%}"
            )
    late = [abs(each.seconds / seconds - 1) for each in forecasts if each.percent >= 20]  # noqa: PLR2004
    print(f"outcome       {seconds:>9.0f}{'':>9}{usd:>9.2f}")
    print(f"after 20 % of pretraining the time is off by {max(late):.1%} at most")


if __name__ == "__main__":
    main()
