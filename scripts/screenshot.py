"""Runs a command and draws what it wrote, with its colours, as an SVG.

python scripts/screenshot.py docs/images/plan.svg llmtrain plan manifests/llama-7b.yaml
COLUMNS=120 python scripts/screenshot.py docs/images/run.svg llmtrain status runs/quickstart
"""

import io
import os
import re
import subprocess
import sys
from pathlib import Path

from rich.console import Console
from rich.text import Text

_COLUMNS = int(os.environ.get("COLUMNS", "100"))


def main() -> int:
    """Draw the picture; the command's exit code is ours."""
    target, *command = sys.argv[1:]
    programs = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    run = subprocess.run(
        command,
        check=False,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={
            **os.environ,
            "PATH": programs,
            "COLUMNS": str(_COLUMNS),
            "FORCE_COLOR": "1",
            "TERM": "xterm-256color",
        },
    )
    Path(target).parent.mkdir(parents=True, exist_ok=True)
    Path(target).write_text(_svg(run.stdout, title=" ".join(command)), encoding="utf-8")
    return run.returncode


def _svg(output: str, *, title: str) -> str:
    console = Console(record=True, width=_COLUMNS, file=io.StringIO(), force_terminal=True)
    console.print(Text.from_ansi(f"$ {title}\n{output.rstrip()}"))
    svg = console.export_svg(title=title, unique_id="terminal")
    # The picture must look alike without a network: the reader's own monospace font will do.
    return re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL)


if __name__ == "__main__":
    sys.exit(main())
