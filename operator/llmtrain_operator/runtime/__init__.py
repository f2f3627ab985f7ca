"""The operator as a process: watches, a queue, passes. The only place that knows kopf."""
