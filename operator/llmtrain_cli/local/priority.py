"""Gives training a higher priority than Ray's services, since both share few cores on a laptop.

Ray starts its workers at a lower priority than its services. These wake many times a second and
then preempt a worker, for which all other workers wait.
"""

import os
import sys

import psutil

SAME_AS_RAY = {"RAY_worker_niceness": "0"}
"""Environment of `ray start` in which its workers keep its own priority."""
_WATCHERS = (
    "gcs/gcs_server",
    "-m llmtrain_trainer",
    "ray/dashboard/dashboard.py",
    "ray/_private/log_monitor.py",
    "ray::DashboardAgent",
    "ray::RuntimeEnvAgent",
    "ray::Keeper",
    "ray::TrainController",
    "ray::PlacementGroupCleaner",
    "ray::SynchronizationActor",
    "ray::DatasetManager",
    "ray::_AutoscalingCoordinatorActor",
    "ray::_StatsActor",
)
"""Beginnings of the command lines of Ray's services that get a low priority."""
_LOWEST = 19


class Watchers:
    """Ray's services that get a low priority, each once.

    Args:
        parent: process that started them all.
    """

    def __init__(self, parent: int) -> None:
        self._parent = parent
        self._low: set[int] = set()

    def lower(self) -> None:
        """Give all services that run now the lowest priority."""
        for process in psutil.Process(self._parent).children(recursive=True):
            if process.pid not in self._low and _lower_if_watcher(process):
                self._low.add(process.pid)


def _lower_if_watcher(process: psutil.Process) -> bool:
    try:
        beginning = " ".join(process.cmdline()[:4])
        if not any(word in beginning for word in _WATCHERS):
            return False
        if sys.platform == "linux":
            # Even at the lowest niceness a waking thread preempts a worker; a batch thread does
            # not. # Priorities belong to threads, not to processes.
            for thread in process.threads():
                os.setpriority(os.PRIO_PROCESS, thread.id, _LOWEST)
                os.sched_setscheduler(thread.id, os.SCHED_BATCH, os.sched_param(0))
        else:
            process.nice(_LOWEST)
    except (psutil.Error, ProcessLookupError):
        return False  # the process is just starting or ending
    return True
