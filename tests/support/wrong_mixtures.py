"""Weights of sources that are wrong in one way each, and some that are right."""


def _weighed(*shares: dict[str, object]) -> list[dict[str, object]]:
    """Sources with weights or caps."""
    return [{"pythonDocs": {}} | share for share in shares]


WRONG_MIXTURES: list[tuple[str, object, str]] = [
    *(
        ("spec.data.sources", _weighed({"weight": weight}, {"weight": 1}), "sources[0].weight")
        for weight in (0, -1, 1_000_001, "1")
    ),
    *(
        (
            "spec.data.sources",
            _weighed({"weight": 1, "maxEpochs": most}, {"weight": 1}),
            "maxEpochs",
        )
        for most in (0, -4, 1001)
    ),
    ("spec.data.sources", _weighed({"weight": 1}, {}), "give every source a weight, or none"),
    ("spec.data.sources", _weighed({"weight": 1}), "weight is relative to other sources"),
    ("spec.data.sources", _weighed({"maxEpochs": 4}, {}), "maxEpochs needs weight"),
    ("spec.data.sources", [{"weight": 1}, {"weight": 1}], "set exactly one of pythonDocs, files"),
    (
        "spec",
        {"data": {"sources": _weighed({"weight": 1}, {"weight": 1})}},
        "a weight of data.sources is for pretrain",
    ),
    (
        "spec",
        {
            "model": {"initFrom": "gpt2"},
            "evaluate": {"data": {"sources": _weighed({"weight": 1}, {"weight": 1})}},
        },
        "sources of evaluate.data take no weight",
    ),
]
"""A field, a value that is wrong in it, and a part of the message."""

RIGHT_MIXTURES: list[tuple[str, object]] = [
    ("spec.data.sources", _weighed({"weight": 0.001}, {"weight": 1_000_000, "maxEpochs": 0.5})),
]
