"""Profiles of nodes for tests of Pods."""

from collections import defaultdict
from collections.abc import Mapping

import yaml
from support.repository import ROOT

from llmtrain_lifecycle.policies.profiles import Profile


def profile_of_every_name() -> Mapping[str, Profile]:
    """Settings in which every name is a profile that uses every field."""
    text = (ROOT / "tests" / "golden" / "profiles.yaml").read_text()
    (profile,) = yaml.safe_load(text).values()
    return defaultdict(lambda: Profile.model_validate(profile))
