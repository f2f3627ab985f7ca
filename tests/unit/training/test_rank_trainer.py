"""Ray Train starts no process that ranks have no use for."""

import pytest
from ray.train import ScalingConfig
from ray.train.torch import TorchTrainer
from ray.train.v2._internal.execution.scaling_policy import FixedScalingPolicy

from llmtrain_trainer.launch.rank_trainer import FixedRanks, RankTrainer

_UNUSED = {"DatasetsCallback", "PlacementGroupCleanerCallback"}


def _callbacks(kind: type[TorchTrainer]) -> set[str]:
    trainer = kind(lambda: None, scaling_config=ScalingConfig(num_workers=2))
    return {type(callback).__name__ for callback in trainer._create_default_callbacks()}


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # Ray's own
def test_helpers_for_data_sets_and_lost_controllers_are_left_out() -> None:
    everything = _callbacks(TorchTrainer)
    assert everything >= _UNUSED
    assert _callbacks(RankTrainer) == everything - _UNUSED


def test_no_autoscaler_is_asked_for_the_ranks() -> None:
    """The methods have the names by which Ray Train calls them."""
    policy = FixedRanks(ScalingConfig(num_workers=2, resources_per_worker={"CPU": 1}))
    for name in ("after_controller_start", "_maybe_send_resource_request"):
        assert getattr(FixedScalingPolicy, name) is not getattr(FixedRanks, name)
    decision = policy.make_decision_for_non_running_worker_group()
    assert (decision.num_workers, policy._coordinator_client) == (2, None)
