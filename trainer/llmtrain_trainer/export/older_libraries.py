"""Makes an exported folder readable for `transformers` 4 too, with which servers may be built.

Version 5 names its tokenizers' class `TokenizersBackend`, writes `extra_special_tokens` as a list,
and the settings of rotary positions in `rope_parameters`. Version 4 refuses the first two, and
passes over the third: it would take the default positions for a model that has others. So the old
names are written, where they can say all; else the class stays, which version 4 refuses. The same
goes for the few other keys of a family that version 5 has renamed.
"""

import json
from pathlib import Path
from typing import Any

from llmtrain_api.families import find_family

_CLASS, _OLD_CLASS = "TokenizersBackend", "PreTrainedTokenizerFast"

Json = dict[str, Any]


def write_for_older_libraries(folder: Path) -> None:
    """Write the old names into a model's config.json and tokenizer_config.json.

    Args:
        folder: an exported model, as `transformers` 5 has written it.
    """
    config = _read(folder / "config.json")
    if (settings := _old_settings(config)) is None:
        return
    _write(folder / "config.json", config | settings)
    path = folder / "tokenizer_config.json"
    tokenizer = _read(path)
    if tokenizer.get("tokenizer_class") == _CLASS:
        tokenizer["tokenizer_class"] = _OLD_CLASS
    if isinstance(extra := tokenizer.get("extra_special_tokens"), list):
        del tokenizer["extra_special_tokens"]
        tokenizer["additional_special_tokens"] = extra
    _write(path, tokenizer)


def _old_settings(config: Json) -> Json | None:
    """What version 5 calls otherwise, by the old names; None where these cannot say all."""
    family = find_family(config.get("model_type"))
    positions = _flat(config.get("rope_parameters") or {"rope_type": "default"})
    types = {value for name, value in positions.items() if name.endswith("rope_type")}
    if family is None or types != {"default"}:
        return None
    rotary = family.rotary_settings.items()
    return {
        **{old: positions[new] for old, new in rotary if new in positions},
        **{old: config[new] for new, old in family.renamed.items() if new in config},
    }


def _flat(positions: Json) -> Json:
    """Settings of each kind of layer by names such as `full_attention.rope_theta`."""
    flat: Json = {}
    for name, value in positions.items():
        inner = value.items() if isinstance(value, dict) else ()
        flat |= {f"{name}.{key}": each for key, each in inner} or {name: value}
    return flat


def _read(path: Path) -> Json:
    content: Json = json.loads(path.read_bytes())
    return content


def _write(path: Path, content: Json) -> None:
    path.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
