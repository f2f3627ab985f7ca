"""Sections `model` with fields that not every family has: wrong ones, and right ones."""

_WIDE = {"layers": 2, "hiddenSize": 64, "heads": 4}
_EXPERTS = _WIDE | {"family": "mixtral"}

WRONG_MODELS: list[tuple[str, object, str]] = [
    ("spec.model", _WIDE | {"headSize": 9}, "llama needs an even hiddenSize / heads"),
    ("spec.model", _WIDE | {"family": "gpt2", "headSize": 32}, "headSize is for"),
    ("spec.model", _WIDE | {"family": "bloom", "intermediateSize": 64}, "intermediateSize is for"),
    ("spec.model", _WIDE | {"family": "qwen3", "slidingWindow": 64}, "slidingWindow is for"),
    ("spec.model.experts", 4, "experts is for"),
    ("spec.model.expertsPerToken", 2, "expertsPerToken is for"),
    ("spec.model.balanceWeight", 0.1, "balanceWeight is for"),
    ("spec.model", _EXPERTS | {"expertsPerToken": 9}, "expertsPerToken must be at most experts"),
    (
        "spec.model",
        _EXPERTS | {"experts": 4, "expertsPerToken": 5},
        "expertsPerToken must be at most experts",
    ),
    ("spec.model", {"initFrom": "gpt2", "experts": 4}, "remove the sizes"),
    ("spec.model", {"initFrom": "gpt2", "initialization": "depthScaled"}, "remove the sizes"),
    ("spec.model.initialization", "zero", "spec.model.initialization"),
    (
        "spec.model",
        _WIDE | {"family": "bloom"},
        "finetune.packing must be false for models of the family bloom",
    ),
]
"""Path of a field, its value, and words of the message."""
RIGHT_MODELS: list[tuple[str, object]] = [
    ("spec.model", _WIDE | {"headSize": 32, "initialization": "depthScaled"}),
    ("spec.model", _EXPERTS | {"expertsPerToken": 8, "balanceWeight": 0, "slidingWindow": 64}),
    ("spec.model", {"family": "qwen3", "layers": 2, "hiddenSize": 60, "heads": 4, "headSize": 16}),
]
