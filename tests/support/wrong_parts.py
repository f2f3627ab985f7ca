"""Changes to the whole job that ask for parts of a model that cannot be made."""


def _in_parts(**fields: object) -> dict[str, object]:
    """The section of a stage that splits its model."""
    return {"parallel": {"tensor": 2}, **fields}


_CHATS = {"sources": [{"pythonDocs": {}}]}
WRONG_PARTS: list[tuple[str, object, str]] = [
    ("spec.pretrain.parallel.tensor", 0, "pretrain.parallel.tensor"),
    ("spec.pretrain.parallel.tensor", 2, "pretrain.parallel.tensor must divide the number of"),
    ("spec.finetune.parallel.tensor", 2, "finetune.parallel.tensor must divide the number of"),
    ("spec.pretrain", _in_parts(precision="fp8"), "parallel.tensor above 1 needs precision"),
    ("spec.pretrain", _in_parts(compile=True), "parallel.tensor above 1 needs compile: false"),
    (
        "spec.pretrain",
        _in_parts(zero={"offload": "optimizer"}),
        "parallel.tensor above 1 needs zero.offload: none",
    ),
    (
        "spec.pretrain",
        _in_parts(activationCheckpointing="offload"),
        "pretrain.parallel.tensor",
    ),
    (
        "spec.finetune",
        _in_parts(data=_CHATS, method="lora"),
        "parallel.tensor above 1 needs method: full",
    ),
]
"""Path, value, and a part of the server's message."""
