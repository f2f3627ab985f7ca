"""The export stage: a folder that plain `transformers` loads, with a model card."""

import shutil
from pathlib import Path

from llmtrain_trainer.export.facts import gather_facts
from llmtrain_trainer.export.model_card import model_card
from llmtrain_trainer.export.older_libraries import write_for_older_libraries
from llmtrain_trainer.export.ray_service import write_ray_service
from llmtrain_trainer.models.pipeline import StoredModel, pipeline_models
from llmtrain_trainer.models.recipe import pretrained_recipe
from llmtrain_trainer.models.stored import require_model
from llmtrain_trainer.models.tokenizer import load_tokenizer, stored_generation_config
from llmtrain_trainer.runner import Product
from llmtrain_trainer.stage import StageContext

_WEIGHTS = ("config.json", "*.safetensors", "*.safetensors.index.json")


def exported_model(context: StageContext) -> Product:
    """The newest model of the pipeline in the export folder; always written anew.

    Raises:
        UserError: there is no model, or none that can be loaded safely.
    """
    model = pipeline_models(context.config)[-1]
    require_model(model.folder)
    context.progress.update(percent=0, activity=f"exporting the {model.name} model")

    def make(folder: Path) -> None:
        _copy_model(model, folder)
        card = model_card(gather_facts(context, model))
        (folder / "README.md").write_text(card, encoding="utf-8")
        write_ray_service(context.config, pretrained_recipe(model.folder).architecture, folder)

    return Product(context.workspace.export, make)


def _copy_model(model: StoredModel, folder: Path) -> None:
    """Only weights that no code can hide in, and files that are written anew."""
    for pattern in _WEIGHTS:
        for file in sorted(model.folder.glob(pattern)):
            shutil.copyfile(file, folder / file.name)
    tokenizer = load_tokenizer(model.folder)
    tokenizer.save_pretrained(folder)
    stored_generation_config(model.folder, tokenizer).save_pretrained(folder)
    write_for_older_libraries(folder)
