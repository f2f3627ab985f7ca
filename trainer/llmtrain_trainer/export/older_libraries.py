"""Makes an exported folder readable for `transformers` 4 too, with which servers may be built.

Version 5 names its tokenizers' class `TokenizersBackend`, writes `extra_special_tokens` as a list,
and the settings of rotary positions in `rope_parameters`. Version 4 refuses the first two, and
passes over the third: it would take the default positions for a model that has others. So the old
names are written, where they can say all; else the class stays, which version 4 refuses.
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
    """The settings of rotary positions by their old names; None where these cannot say all."""
    family = find_family(config.get("model_type"))
    positions = config.get("rope_parameters") or {"rope_type": "default"}
    if family is None or positions.get("rope_type") != "default":
        return None
    return {old: positions[new] for old, new in family.rotary_settings.items() if new in positions}


def _read(path: Path) -> Json:
    content: Json = json.loads(path.read_bytes())
    return content


def _write(path: Path, content: Json) -> None:
    path.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
