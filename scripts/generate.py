"""Writes every generated file, or with --check says which ones are out of date."""

import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

from dashboards.files import dashboard_files
from golden import render_objects
from job_reference import render_job_reference
from models_page import render_models
from observability import render_observability
from system_picture import render_system_picture

from llmtrain_cli.crd import render_crd

ROOT = Path(__file__).parents[1]

GENERATED: dict[str, Callable[[], str]] = {
    "crds/llmtrain.io_llmtrainingjobs.yaml": render_crd,
    "charts/llmtrain/files/crd.yaml": render_crd,
    "docs/job-reference.md": render_job_reference,
    "docs/models.md": render_models,
    "docs/observability.md": render_observability,
    "docs/images/system.svg": render_system_picture,
    **dashboard_files(),
    "tests/golden/quickstart.objects.yaml": partial(
        render_objects, ROOT / "manifests" / "quickstart.yaml"
    ),
    "tests/golden/everything.objects.yaml": partial(
        render_objects, ROOT / "tests" / "golden" / "everything.yaml"
    ),
}


def main() -> int:
    """Return how many files are out of date with --check, else write them and return 0."""
    stale = 0
    for name, render in GENERATED.items():
        path, text = ROOT / name, render()
        if path.exists() and path.read_text(encoding="utf-8") == text:
            continue
        if "--check" in sys.argv[1:]:
            print(f"{name} is out of date; run `make generate`")
            stale += 1
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            print(f"wrote {name}")
    return stale


if __name__ == "__main__":
    sys.exit(main())
