"""`llmtrain status` takes a run's folder or a job's name."""

from pathlib import Path

from typer.testing import CliRunner

from llmtrain_cli.exits import WRONG_INPUT
from llmtrain_cli.main import build_app


def test_a_manifest_in_the_place_of_a_folder_is_said(tmp_path: Path) -> None:
    path = tmp_path / "job.yaml"
    path.write_text("kind: LLMTrainingJob\n")
    done = CliRunner().invoke(build_app(["status"]), ["status", str(path)])
    assert done.exit_code == WRONG_INPUT
    assert "job.yaml: it is a file; name the run's folder, such as runs/" in done.output
