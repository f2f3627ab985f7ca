"""The manifest and the settings of docs/what-a-job-may-bring.md are right as they are written."""

import re

import yaml
from support.repository import ROOT

from llmtrain_api.manifest import parse_job
from llmtrain_lifecycle.policies.permitted import permission_obstacle
from llmtrain_lifecycle.policies.profiles import profile_obstacle
from llmtrain_operator.runtime.settings import OperatorSettings

_PAGE = (ROOT / "docs" / "what-a-job-may-bring.md").read_text()


def test_the_job_is_permitted_by_the_settings_beside_it() -> None:
    manifest, *others = map(yaml.safe_load, re.findall(r"```yaml\n(.*?)```", _PAGE, re.DOTALL))
    settings = {}
    for each in others:
        settings |= each.get("trainer", {})
        manifest["spec"] |= each.get("spec", {})
    for profile in settings["profiles"].values():
        del profile["usdPerHour"]  # the chart writes it into the price list
    pods = OperatorSettings.model_validate({"image": "trainer", **settings}).pods
    spec = parse_job(manifest).spec
    assert spec.compute.trainers.profile in pods.profiles
    assert profile_obstacle(spec.compute, pods.profiles) is None
    assert permission_obstacle(spec, pods.permitted) is None
