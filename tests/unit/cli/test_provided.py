"""What a cluster would take from Secrets, a laptop has to provide."""

from pathlib import Path
from typing import Any

import pytest
from support.cluster.jobs import full_pipeline_job

from llmtrain_api.job import JobSpec
from llmtrain_api.manifest import parse_job
from llmtrain_api.spec.environment import SecretUse
from llmtrain_api.spec.volumes import Volume
from llmtrain_cli.local.provided import NotProvidedError, require_provided

_HUB = {"name": "hub", "environment": [{"name": "HF_TOKEN", "key": "token"}]}


def _spec(*secrets: dict[str, Any], **sections: object) -> JobSpec:
    job = full_pipeline_job()
    job["spec"] |= sections
    job["spec"]["secrets"] = list(secrets)
    return parse_job(job).spec


def test_variables_come_from_the_environment_of_the_command() -> None:
    require_provided(_spec(), {})
    require_provided(_spec(_HUB), {"HF_TOKEN"})
    with pytest.raises(NotProvidedError, match=r"secrets\[0\].environment: .* set HF_TOKEN"):
        require_provided(_spec(_HUB), {"HUB_TOKEN"})


def test_files_come_from_the_folder_that_a_pod_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(SecretUse, "folder", property(lambda self: str(tmp_path / self.name)))
    spec = _spec(_HUB, {"name": "netrc", "files": True})
    with pytest.raises(NotProvidedError, match=r"secrets\[1\].files: .*netrc, which is not there"):
        require_provided(spec, {"HF_TOKEN"})
    (tmp_path / "netrc").mkdir()
    require_provided(spec, {"HF_TOKEN"})


def test_a_volume_is_the_folder_that_a_pod_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Volume, "folder", property(lambda self: str(tmp_path / self.name)))
    spec = _spec(volumes=[{"name": "corpus", "claimName": "corpora"}])
    with pytest.raises(NotProvidedError, match=r"volumes\[0\]: .*corpus, which is not there"):
        require_provided(spec, {})
    (tmp_path / "corpus").mkdir()
    require_provided(spec, {})


def test_all_that_is_missing_is_said_at_once() -> None:
    with pytest.raises(NotProvidedError) as refused:
        require_provided(_spec(_HUB, {"name": "absent", "files": True}), {})
    assert str(refused.value).count("secrets[") == 2
