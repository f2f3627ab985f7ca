"""The export stage: a folder that plain `transformers` loads, with a model card."""

import shutil
from pathlib import Path

from llmtrain_trainer.durable import replaced_folder
from llmtrain_trainer.errors import UserError
from llmtrain_trainer.export.facts import gather_facts
from llmtrain_trainer.export.model_card import model_card
from llmtrain_trainer.models.line import LineModel, line_models
from llmtrain_trainer.models.special_ids import stored_generation_config
from llmtrain_trainer.models.stored import require_model
from llmtrain_trainer.models.tokenizer import load_tokenizer
from llmtrain_trainer.stage import StageContext

_WEIGHTS = ("config.json", "*.safetensors", "*.safetensors.index.json")


def run(context: StageContext) -> None:
    """Write the last model of the line into the export folder, whole or not at all.

    Raises:
        UserError: there is no model, or none that can be loaded safely.
    """
    if context.config.export is None:
        raise UserError("the export stage needs the section export in the manifest")
    model = line_models(context.config)[-1]
    require_model(model.folder)
    context.progress.update(percent=0, activity=f"exporting the {model.name} model")
    with replaced_folder(context.workspace.export) as folder:
        _copy_model(model, folder)
        card = model_card(gather_facts(context, model))
        (folder / "README.md").write_text(card, encoding="utf-8")
    context.progress.update(percent=100, activity="the export is ready")


def _copy_model(model: LineModel, folder: Path) -> None:
    """Only weights that no code can hide in, and files that are written anew."""
    for pattern in _WEIGHTS:
        for file in sorted(model.folder.glob(pattern)):
            shutil.copyfile(file, folder / file.name)
    tokenizer = load_tokenizer(model.folder)
    tokenizer.save_pretrained(folder)
    stored_generation_config(model.folder, tokenizer).save_pretrained(folder)
