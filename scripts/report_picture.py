"""Draws docs/images/report.png: the report of a finished run, as it looks on a desk.

python scripts/report_picture.py runs/quickstart
"""

import subprocess
import sys
import tempfile
from pathlib import Path

from llmtrain.local.state import RunState
from llmtrain_api.workspace import Workspace
from llmtrain_cli.report.command import write_report
from llmtrain_cli.report.sources import Run

_PICTURE = Path(__file__).parents[1] / "docs" / "images" / "report.png"
_SIZE = "1080,1220"


def main() -> None:
    """Write the report anew, and have Chromium draw its top."""
    workspace = Workspace(Path(sys.argv[1]).resolve())
    stored = RunState(workspace).read()
    assert stored is not None, "no run has ended there"
    with tempfile.TemporaryDirectory() as folder:
        page = write_report(workspace, Run(stored.job, stored.status), Path(folder) / "report.html")
        options = ("--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars")
        subprocess.run(
            [
                "chromium",
                *options,
                f"--window-size={_SIZE}",
                f"--screenshot={_PICTURE}",
                page.as_uri(),
            ],
            check=True,
            stderr=subprocess.DEVNULL,
        )


if __name__ == "__main__":
    main()
