"""The label of a model whose score counts."""

from collections.abc import Sequence

from llmtrain_trainer.errors import UserError

_MOST_SHOWN = 20


def known_label(field: str, label: str | None, known: Sequence[str]) -> str:
    """A label that a model knows.

    Args:
        field: the manifest's field of the model, for messages.
        label: as the manifest names it.
        known: all labels of the model.

    Raises:
        UserError: the manifest names none, or one that the model does not know.
    """
    if label is not None and label in known:
        return label
    shown = ", ".join(known[:_MOST_SHOWN]) + (", ..." if len(known) > _MOST_SHOWN else "")
    fault = "set label to one of" if label is None else f"it has no label {label!r}, only"
    raise UserError(f"{field}: {fault}: {shown}", reason="InvalidModel")
