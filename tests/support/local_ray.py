"""A small Ray on this machine, for tests of stages that spread work over it."""

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def local_ray() -> Iterator[None]:
    """Start Ray with two cores, quietly, and stop it again."""
    import ray

    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, configure_logging=False)
    node = ray._private.worker._global_node
    processes = [info.process for infos in node.all_processes.values() for info in infos]
    try:
        yield
    finally:
        ray.shutdown()
        for process in processes:  # Ray kills them without waiting, which Python warns of
            process.wait()
