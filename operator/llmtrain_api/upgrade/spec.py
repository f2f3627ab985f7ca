"""Converts the sections of a manifest between 0.1 and this version."""

from collections.abc import Iterable
from typing import Any

from llmtrain_api.spec.evaluate import ContaminatedTexts
from llmtrain_api.spec.steps import DEFAULT_STEPS, Step
from llmtrain_api.versions import MINOR, PREVIOUS

Json = dict[str, Any]

OLD_DATA_SECTIONS = ("clean", "filter", "dedup")
"""Sections of `data` in 0.1, which are `data.steps` now."""
_SINGLE_VALUED: tuple[tuple[str, ...], ...] = (
    ("pretrain", "optimizer", "name"),
    ("pretrain", "earlyStopping", "metric"),
    ("finetune", "optimizer", "name"),
    ("finetune", "chatTemplate"),
    ("export", "format"),
)
"""Fields of 0.1 that had one value each."""
_DATA: tuple[tuple[str, ...], ...] = (("data",), ("evaluate", "data"))
_NEW_FIELDS = {"export": ("to", "rayService"), "tokenizer": ("sample", "compareWith")}
_TRAININGS = ("pretrain", "finetune")
_MIN_WORDS, _MAX_WORDS, _EVERY_SECONDS = 50, 100_000, 600
_CHECKPOINTING = {False: "none", True: "full"}
_DEFAULT_STEPS = [step.model_dump(mode="json", exclude_none=True) for step in DEFAULT_STEPS]


class TrainerTooOldError(ValueError):
    """A run config asks for what the Ray cluster's trainer, of 0.1, does not know."""

    def __init__(self, field: str) -> None:
        super().__init__(
            f"{field} is of llmtrain {MINOR}; the job's Ray cluster has a trainer of {PREVIOUS}, "
            "which does not know it"
        )


def upgraded_spec(spec: Json) -> Json:
    """The sections of a manifest as this version writes them; those of this version are unchanged.

    Args:
        spec: sections that 0.1 or this version has stored, with the server's defaults or without.
    """
    new: Json = _copy(spec)
    for path in _SINGLE_VALUED:
        _at(new, path[:-1]).pop(path[-1], None)
    for training in _trainings(new):
        if isinstance(flag := training.get("activationCheckpointing"), bool):
            training["activationCheckpointing"] = _CHECKPOINTING[flag]
    for path in _DATA:
        _upgrade_data(_at(new, path))
    return new


def downgraded_sections(sections: Json) -> Json:
    """Sections of a run config as a trainer of 0.1 reads them.

    Args:
        sections: sections of this version, with all fields.

    Raises:
        TrainerTooOldError: a section asks for what 0.1 does not have.
    """
    old: Json = _copy(sections)
    for path in _DATA:
        if data := _at(old, path):
            data |= _old_data(data.pop("steps"), ".".join((*path, "steps")))
    for training in _trainings(old):
        chosen = training["activationCheckpointing"]
        flags = {value: flag for flag, value in _CHECKPOINTING.items()}
        if chosen not in flags:
            raise TrainerTooOldError(f"activationCheckpointing: {chosen}")
        training["activationCheckpointing"] = flags[chosen]
        training["checkpoint"]["everySeconds"] = (
            training["checkpoint"]["everySeconds"] or _EVERY_SECONDS
        )
    if pretrain := _at(old, ("pretrain",)):
        pretrain["compile"] = bool(pretrain["compile"])
    _at(old, ("finetune",)).pop("compile", None)
    removes = ContaminatedTexts.REMOVE
    # A job of 0.1 has the default, and is trained as it began.
    if _at(old, ("evaluate",)).pop("contaminatedTexts", removes) != removes:
        raise TrainerTooOldError("evaluate.contaminatedTexts")
    for section, fields in _NEW_FIELDS.items():
        for field in fields:
            if _at(old, (section,)).pop(field, None) is not None:
                raise TrainerTooOldError(f"{section}.{field}")
    return old


def _upgrade_data(data: Json) -> None:
    """Turn the sections of 0.1 into steps, unless steps were chosen: then they are a mistake."""
    sections = {name: data[name] for name in OLD_DATA_SECTIONS if name in data}
    if not sections or data.get("steps", _DEFAULT_STEPS) != _DEFAULT_STEPS:
        return
    for name in sections:
        del data[name]
    clean, kept, dedup = (sections.get(name, {}) for name in OLD_DATA_SECTIONS)
    words = {
        name: kept[name]
        for name, default in (("minWords", _MIN_WORDS), ("maxWords", _MAX_WORDS))
        if kept.get(name, default) != default
    }
    steps = [
        ("html", clean.get("html", True), {}),
        ("unicode", clean.get("unicode", True), {}),
        ("emojiToText", clean.get("emojiToText", False), {}),
        ("gopher" if kept.get("quality", "gopher") == "gopher" else "length", True, words),
        ("exactDedup", dedup.get("exact", True), {}),
    ]
    data["steps"] = [{kind: settings} for kind, is_on, settings in steps if is_on]


def _old_data(steps: Iterable[Json], place: str) -> Json:
    """The sections `clean`, `filter` and `dedup` that treat documents as the steps do."""
    written = [{k: s for k, s in step.items() if s is not None} for step in steps]
    given = {kind: settings for step in written for kind, settings in step.items()}
    kept = given.get("gopher") or given.get("length") or {}
    old: Json = {
        "clean": {kind: kind in given for kind in ("html", "unicode", "emojiToText")},
        "filter": {
            "quality": "gopher" if "gopher" in given else "none",
            "minWords": kept.get("minWords", 0),
            "maxWords": kept.get("maxWords", 100_000_000),
        },
        "dedup": {"exact": "exactDedup" in given},
    }
    again = _copy(old)
    _upgrade_data(again)
    if [*map(Step.model_validate, again["steps"])] != [*map(Step.model_validate, written)]:
        raise TrainerTooOldError(place)
    return old


def _trainings(spec: Json) -> list[Json]:
    return [section for name in _TRAININGS if (section := _at(spec, (name,)))]


def _at(spec: Json, path: tuple[str, ...]) -> Json:
    """The section at a path; an empty one, which is no part of the spec, where there is none."""
    place: Any = spec
    for name in path:
        place = place.get(name) if isinstance(place, dict) else None
    return place if isinstance(place, dict) else {}


def _copy(value: Any) -> Any:  # noqa: ANN401 - JSON of any kind
    """A copy of JSON, of which parts may be changed."""
    if isinstance(value, dict):
        return {key: _copy(part) for key, part in value.items()}
    return [_copy(part) for part in value] if isinstance(value, list) else value
