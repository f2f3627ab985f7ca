"""Training goes before the processes that watch it: on a laptop they share its few cores.

Ray starts its workers at a lower priority than its own services, which wake many times a second
and then stop a worker, for whom all other workers wait.
"""

import os
import sys

import psutil

SAME_AS_RAY = {"RAY_worker_niceness": "0"}
"""For the environment of `ray start`: its workers keep the priority that it has itself."""
_WATCHERS = (
    "gcs/gcs_server",
    "-m llmtrain_trainer",
    "ray/dashboard/dashboard.py",
    "ray-dashboard-",
    "ray/_private/log_monitor.py",
    "ray::DashboardAgent",
    "ray::RuntimeEnvAgent",
    "ray::JobSupervisor",
    "ray::TrainController",
    "ray::PlacementGroupCleaner",
    "ray::SynchronizationActor",
    "ray::DatasetManager",
    "ray::_AutoscalingCoordinatorActor",
    "ray::_StatsActor",
)
"""Words that the command lines of Ray's watchers begin with, script and all."""
_LOWEST = 19


class Watchers:
    """Ray's watchers; those that are known to be low are not looked at again.

    Args:
        parent: the process that started them all.
    """

    def __init__(self, parent: int) -> None:
        self._parent = parent
        self._low: set[int] = set()

    def lower(self) -> None:
        """Give all watchers that there are now the lowest priority."""
        for process in psutil.Process(self._parent).children(recursive=True):
            if process.pid not in self._low and _lower_if_watcher(process):
                self._low.add(process.pid)


def _lower_if_watcher(process: psutil.Process) -> bool:
    try:
        beginning = " ".join(process.cmdline()[:4])
        if not any(word in beginning for word in _WATCHERS):
            return False
        if sys.platform == "linux":
            # Not even the lowest niceness keeps a thread that wakes from stopping a worker; as a
            # batch thread it waits for its turn. Each thread has a priority of its own.
            for thread in process.threads():
                os.setpriority(os.PRIO_PROCESS, thread.id, _LOWEST)
                os.sched_setscheduler(thread.id, os.SCHED_BATCH, os.sched_param(0))
        else:
            process.nice(_LOWEST)
    except (psutil.Error, ProcessLookupError):
        return False  # it ends, or begins, at this very moment
    return True
