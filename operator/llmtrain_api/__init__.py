"""The contract between the manifest, the operator, the laptop run and the trainer.

Everything that crosses a process border is a model of this package, so that each side can
change without the other. It depends on pydantic alone.
"""
