"""The driver's connection to the job's Ray cluster, made by the first thing that needs it.

Importing Ray and joining a cluster takes seconds, and the work of a small stage needs neither.
"""


def join_ray() -> None:
    """Connect this process to Ray, unless it is connected already."""
    import ray

    if not ray.is_initialized():
        ray.init(log_to_driver=True)
