"""The operator's process: watches, queue, reconciles. The only package that imports kopf."""
