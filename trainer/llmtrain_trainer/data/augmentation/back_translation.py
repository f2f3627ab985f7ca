"""The way `backTranslation`: sentences in another language and back (Sennrich et al. 2016)."""

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Self

from numpy.random import Generator

from llmtrain_api.spec.augmentation import BackTranslation, Translation
from llmtrain_trainer.data.augmentation.base import Augmenter, CopyFunction, Left
from llmtrain_trainer.data.augmentation.words import replaced
from llmtrain_trainer.data.sentences import sentence_spans
from llmtrain_trainer.data.step_files import StepFiles, find_folder
from llmtrain_trainer.stage import StageContext

if TYPE_CHECKING:
    from llmtrain_trainer.data.augmentation.translator import Translator

TOO_LONG = Left("tooLong")


class BackTranslationAugmenter(Augmenter[BackTranslation]):
    """Translates each sentence there and back; the white space between sentences stays."""

    is_slow = True

    def identity(self, context: StageContext) -> str:
        """The state of both models' files."""
        return " ".join(each.identity for each in self._found(context))

    def located(self, context: StageContext) -> Self:
        """The same way with the folders of both models on this machine."""
        forward, back = (str(each.path) for each in self._found(context))
        section = self.section.replace(
            forward=self.section.forward.replace(model=forward),
            back=self.section.back.replace(model=back),
        )
        return type(self)(section, self.field)

    def prepare(self) -> CopyFunction:
        """Load both models."""
        section = self.section
        forward = _translator(section.forward, f"{self.field}.forward.model")
        back = _translator(section.back, f"{self.field}.back.model")

        def apply(text: str, random: Generator) -> str | Left:
            if len(text.encode()) > section.max_bytes:
                return TOO_LONG
            spans = [span for paragraph in sentence_spans(text) for span in paragraph]
            there = forward.translate(
                [text[slice(*span)] for span in spans], section.temperature, random
            )
            known = [
                (span, each) for span, each in zip(spans, there, strict=True) if each is not None
            ]
            again = back.translate([each for _, each in known], section.temperature, random)
            return replaced(
                text,
                [
                    (span, each)
                    for (span, _), each in zip(known, again, strict=True)
                    if each is not None
                ],
            )

        return apply

    def _found(self, context: StageContext) -> list[StepFiles]:
        from llmtrain_trainer.data.augmentation.translator import require_translator

        found = []
        for name, each in (("forward", self.section.forward), ("back", self.section.back)):
            field = f"{self.field}.{name}.model {each.model}"
            files = find_folder(field, each.model, context)
            require_translator(files.path, field)
            found.append(files)
        return found


@cache
def _translator(translation: Translation, field: str) -> "Translator":
    """A model, loaded once in each process."""
    from llmtrain_trainer.data.augmentation.translator import Translator

    return Translator(Path(translation.model), field, translation.prefix)
