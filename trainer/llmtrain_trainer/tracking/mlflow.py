"""MLflow: a run on a tracking server, or in a folder of the workspace."""

import os
from collections.abc import Sequence

from llmtrain_api.spec.tracking import MLflow
from llmtrain_trainer.tracking.run import Point, TrackedRun

_RUN_TAG = "llmtrain.run"
_LONGEST_VALUE = 500
_LARGEST_BATCH = 1000
"""Metrics of one request: https://mlflow.org/docs/latest/rest-api.html#log-batch."""
_ENVIRONMENT = {
    "MLFLOW_DISABLE_TELEMETRY": "true",  # telemetry stays off
    "MLFLOW_ALLOW_FILE_STORE": "true",  # a folder needs no server and no database
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",  # we try again ourselves
}


class MLflowRun:
    """One run per stage, found by a tag: MLflow gives runs ids of its own.

    Args:
        section: section of the manifest.
        run: the stage.
    """

    def __init__(self, section: MLflow, run: TrackedRun) -> None:
        for name, value in _ENVIRONMENT.items():
            os.environ.setdefault(name, value)
        from mlflow import MlflowClient

        self._client = MlflowClient(section.uri or (run.folder / "mlflow").as_uri())
        experiment = self._experiment(section.experiment or run.job)
        found = self._client.search_runs(
            [experiment], f"tags.`{_RUN_TAG}` = '{run.id}'", max_results=1
        )
        self._id = found[0].info.run_id if found else self._new_run(experiment, run)
        self._client.update_run(self._id, status="RUNNING")
        self._client.set_tag(self._id, "llmtrain.attempt", str(run.attempt))

    def _experiment(self, name: str) -> str:
        found = self._client.get_experiment_by_name(name)
        experiment: str = found.experiment_id if found else self._client.create_experiment(name)
        return experiment

    def _new_run(self, experiment: str, run: TrackedRun) -> str:
        from mlflow.entities import Param

        tags = {_RUN_TAG: run.id, "llmtrain.job": run.job, "llmtrain.stage": run.stage}
        made = self._client.create_run(experiment, run_name=f"{run.job}-{run.stage}", tags=tags)
        settings = [Param(name, value[:_LONGEST_VALUE]) for name, value in run.parameters.items()]
        self._client.log_batch(made.info.run_id, params=settings)
        run_id: str = made.info.run_id
        return run_id

    def write(self, points: Sequence[Point]) -> None:
        """Send the points, in as few requests as MLflow allows."""
        from mlflow.entities import Metric

        metrics = [
            Metric(name, value, int(point.time * 1000), point.step)
            for point in points
            for name, value in point.values.items()
        ]
        for start in range(0, len(metrics), _LARGEST_BATCH):
            self._client.log_batch(self._id, metrics=metrics[start : start + _LARGEST_BATCH])

    def close(self, *, succeeded: bool) -> None:
        """End the run; the next attempt opens it again."""
        self._client.set_terminated(self._id, "FINISHED" if succeeded else "FAILED")


connect = MLflowRun
