"""Ray Train's trainer without the helpers that ranks never use.

Ray Train would start a process for data sets, one that asks an autoscaler for nodes, and one that
clears up after a lost controller by the dashboard's interface. Each takes seconds of CPU time to
start, and on one machine the last two wait for services that are not there.
"""

from typing import Any

from ray.train.torch import TorchTrainer
from ray.train.v2._internal.callbacks.datasets import DatasetsCallback
from ray.train.v2._internal.callbacks.placement_group_callback import PlacementGroupCleanerCallback
from ray.train.v2._internal.execution.callback import RayTrainCallback
from ray.train.v2._internal.execution.context import TrainRunContext
from ray.train.v2._internal.execution.scaling_policy import FixedScalingPolicy


class FixedRanks(FixedScalingPolicy):  # type: ignore[misc]  # Ray has no types
    """As many ranks as there are: our clusters do not grow for them."""

    def after_controller_start(self, train_run_context: TrainRunContext) -> None:
        """Ask no autoscaler."""

    def _maybe_send_resource_request(self) -> None:
        """Ask no autoscaler, once more."""


class RankTrainer(TorchTrainer):  # type: ignore[misc]
    """Starts ranks that read their tokens themselves."""

    def _create_default_callbacks(self) -> list[RayTrainCallback]:
        """Ray Train's callbacks but those for data sets and lost controllers.

        Ray itself removes the placement group of a controller that dies.
        """
        callbacks: list[RayTrainCallback] = super()._create_default_callbacks()
        unused = (DatasetsCallback, PlacementGroupCleanerCallback)
        return [each for each in callbacks if not isinstance(each, unused)]

    def _initialize_and_run_controller(self, **arguments: Any) -> Any:  # noqa: ANN401
        arguments["scaling_policy"] = FixedRanks(self.scaling_config)
        return super()._initialize_and_run_controller(**arguments)
