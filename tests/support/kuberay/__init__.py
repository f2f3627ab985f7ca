"""KubeRay's manager for tests: a small stand-in, or the real one where it can be had."""

from support.kuberay.manager import running_kuberay

__all__ = ["running_kuberay"]
