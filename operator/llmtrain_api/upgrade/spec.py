"""Converts the sections of a manifest between 0.1 and this version."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Literal

from pydantic import ConfigDict, ValidationError

from llmtrain_api.base import Record
from llmtrain_api.families import find_family
from llmtrain_api.spec.evaluate import ContaminatedTexts
from llmtrain_api.spec.steps import DEFAULT_STEPS, Step
from llmtrain_api.versions import MINOR, PREVIOUS

Json = dict[str, Any]

OLD_DATA_SECTIONS = ("clean", "filter", "dedup")
"""Sections of `data` in 0.1, which are `data.steps` now."""
_SINGLE_VALUED: dict[tuple[str, ...], str] = {
    ("pretrain", "optimizer", "name"): "adamw",
    ("pretrain", "earlyStopping", "metric"): "validationLoss",
    ("finetune", "optimizer", "name"): "adamw",
    ("finetune", "chatTemplate"): "chatml",
    ("export", "format"): "safetensors",
}
"""Fields of 0.1 that had one value each."""
_DATA: tuple[tuple[str, ...], ...] = (("data",), ("evaluate", "data"))
_TRAININGS = ("pretrain", "finetune")
_NEW_FIELDS: dict[tuple[str, ...], tuple[Any, ...]] = {
    ("data", "augment"): (None,),
    ("evaluate", "data", "augment"): (None,),
    ("tokenizer", "sample"): (None,),
    ("tokenizer", "compareWith"): (None,),
    ("finetune", "compile"): (None, False),
    **{(training, "parallel"): (None, {"tensor": 1}) for training in _TRAININGS},
    **{
        ("model", name): (None,)
        for name in (
            "headSize",
            "experts",
            "expertsPerToken",
            "balanceWeight",
            "slidingWindow",
            "initialization",
        )
    },
    # A job of 0.1 has the default, and is trained as it began.
    ("evaluate", "contaminatedTexts"): (None, ContaminatedTexts.REMOVE),
    ("export", "to"): (None,),
    ("export", "rayService"): (None,),
}
"""Fields that 0.1 does not have, and their values that ask for nothing which it does not do."""
_NEW_FORMATS = ("csv", "warc", "wet")
"""Formats of `files` that 0.1 does not read."""
_NEW_VALUES: tuple[tuple[tuple[str, ...], str], ...] = (
    *(((training, "microBatchSize"), "auto") for training in _TRAININGS),
    *(((training, "precision"), "fp8") for training in _TRAININGS),
)
_SOURCES: tuple[tuple[str, ...], ...] = (
    ("data", "sources"),
    ("evaluate", "data", "sources"),
    ("finetune", "data", "sources"),
    ("finetune", "data", "validationSources"),
)
_MIN_WORDS, _MAX_WORDS, _EVERY_SECONDS = 50, 100_000, 600
_CHECKPOINTING = {False: "none", True: "full"}
_DEFAULT_STEPS = [step.model_dump(mode="json", exclude_none=True) for step in DEFAULT_STEPS]


class _Old(Record):
    """A section of 0.1 with its defaults; values of another type are a mistake."""

    model_config = ConfigDict(strict=True)


class _Clean(_Old):
    html: bool = True
    unicode: bool = True
    emoji_to_text: bool = False


class _Filter(_Old):
    quality: Literal["gopher", "none"] = "gopher"
    min_words: int = _MIN_WORDS
    max_words: int = _MAX_WORDS


class _Dedup(_Old):
    exact: bool = True


class _OldData(_Old):
    clean: _Clean = _Clean()
    filter: _Filter = _Filter()
    dedup: _Dedup = _Dedup()


class TrainerTooOldError(ValueError):
    """A run config asks for what the Ray cluster's trainer, of 0.1, does not know."""

    def __init__(self, field: str) -> None:
        super().__init__(
            f"{field} is of llmtrain {MINOR}; the job's Ray cluster has a trainer of {PREVIOUS}, "
            "which does not know it"
        )


def written_instead(path: Sequence[int | str]) -> str | None:
    """What is written in the place of a field of 0.1; None for any other.

    Args:
        path: names of the sections and of the field, in the manifest's spec.
    """
    if not path:
        return None
    *section, name = path
    if tuple(section) in _DATA and name in OLD_DATA_SECTIONS:
        steps = {"clean": "html, unicode, emojiToText", "filter": "gopher, length"}
        place = ".".join(map(str, (*section, "steps")))
        return f"write steps in {place} ({steps.get(str(name), 'exactDedup')})"
    if value := _SINGLE_VALUED.get(tuple(map(str, path))):
        return f"remove it: it is always {value} now"
    return None


def upgraded_spec(spec: Any) -> Any:  # noqa: ANN401 - any JSON value may be given
    """The sections of a manifest as this version writes them; those of this version are unchanged.

    What 0.1 could not have stored is left as it is, for the models to refuse.

    Args:
        spec: sections that 0.1 or this version has stored, with the server's defaults or without.
    """
    new = _copy(spec)
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
    _refuse_what_is_new(old)
    return old


def _refuse_what_is_new(sections: Json) -> None:
    """Take out the fields that ask 0.1 for nothing; refuse the other new ones, and new values.

    Raises:
        TrainerTooOldError: there are some.
    """
    for path, harmless in _NEW_FIELDS.items():
        if _at(sections, path[:-1]).pop(path[-1], None) not in harmless:
            raise TrainerTooOldError(".".join(path))
    for path, value in _NEW_VALUES:
        if _at(sections, path[:-1]).get(path[-1]) == value:
            raise TrainerTooOldError(f"{'.'.join(path)}: {value}")
    family = find_family(_at(sections, ("model",)).get("family"))
    if family is not None and not family.is_in_previous:
        raise TrainerTooOldError(f"model.family: {family.name}")
    for path in _DATA:
        _refuse_new_sources(_at(sections, path).get("sources", ()), ".".join((*path, "sources")))
    for path in _SOURCES:
        for url in _urls(_at(sections, path[:-1]).get(path[-1], ())):
            raise TrainerTooOldError(f"{'.'.join(path)}: {url}")


def _refuse_new_sources(sources: Iterable[Json], place: str) -> None:
    """The same for sources of documents."""
    for source in sources:
        files = source.get("files") or {}
        if (file_format := files.get("format")) in _NEW_FORMATS:
            raise TrainerTooOldError(f"{place}: files.format: {file_format}")
        for section, field in ((source, "weight"), (source, "maxEpochs"), (files, "template")):
            if section.pop(field, None) is not None:
                raise TrainerTooOldError(f"{place}: {field}")


def _urls(sources: Iterable[Json]) -> Iterator[str]:
    """Files of sources that are read from elsewhere; 0.1 would look for them on its disk."""
    for source in sources:
        yield from (path for path in (source.get("files") or {}).get("paths", ()) if "://" in path)


def _upgrade_data(data: Json) -> None:
    """Turn the sections of 0.1 into steps, unless steps were chosen: then they are a mistake."""
    sections = {name: data[name] for name in OLD_DATA_SECTIONS if data.get(name) is not None}
    if not sections or data.get("steps", _DEFAULT_STEPS) != _DEFAULT_STEPS:
        return
    try:
        old = _OldData.model_validate({name: _given(part) for name, part in sections.items()})
    except ValidationError:
        return  # as unknown fields they are refused by name
    for name in sections:
        del data[name]
    clean, kept = old.clean, old.filter
    bounds = {"minWords": (kept.min_words, _MIN_WORDS), "maxWords": (kept.max_words, _MAX_WORDS)}
    words = {name: given for name, (given, default) in bounds.items() if given != default}
    steps = [
        ("html", clean.html, {}),
        ("unicode", clean.unicode, {}),
        ("emojiToText", clean.emoji_to_text, {}),
        ("gopher" if kept.quality == "gopher" else "length", True, words),
        ("exactDedup", old.dedup.exact, {}),
    ]
    data["steps"] = [{kind: settings} for kind, is_on, settings in steps if is_on]


def _given(section: Any) -> Any:  # noqa: ANN401 - any JSON value
    """A section without its nulls, which count as left out."""
    if not isinstance(section, dict):
        return section
    return {key: value for key, value in section.items() if value is not None}


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
    if list(map(Step.model_validate, again["steps"])) != list(map(Step.model_validate, written)):
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
