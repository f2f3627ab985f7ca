"""Documents with many vulgar words are dropped, whatever their language; one word drops none."""

import hashlib

import pytest
from support.prose import PROSE

from llmtrain_api.spec.step_sections.toxicity import LexiconLanguage, Toxicity
from llmtrain_trainer.data.steps.base import Dropped
from llmtrain_trainer.data.steps.toxicity import _LEXICON, ToxicityStep

ENGLISH = " ".join(PROSE["English"])
FRENCH = "Le bateau quitte le port à sept heures et personne ne l'avait dit au capitaine."
SPANISH = "El barco sale a las siete con su capitán y con todos los pasajeros con calma."
TOXIC = Dropped("vulgarWords")


def after(text: str, **section: object) -> str | Dropped:
    (outcome,) = ToxicityStep(Toxicity.model_validate(section)).prepare()([text])
    return outcome


@pytest.mark.parametrize(
    ("text", "vulgar"),
    [
        (ENGLISH, "This crap is fucking crap."),
        (FRENCH, "Putain de merde, quel connard."),
        (SPANISH, "Es un hijo de puta y un gilipollas de mierda."),
    ],
)
def test_many_vulgar_words_drop_a_document(text: str, vulgar: str) -> None:
    assert after(text) == text
    assert after(f"{text} {vulgar}") == TOXIC
    assert after(f"{text} {vulgar}".upper()) == TOXIC
    assert after(f"{text} {vulgar}", languages=["it"]) == f"{text} {vulgar}"


def test_one_word_drops_nothing_and_the_density_is_a_field() -> None:
    assert after("What a crap!") == "What a crap!"
    two = f"{ENGLISH} Crap, crap."
    assert after(two) == TOXIC
    assert after(two, maxPerThousandWords=50) == two
    long = f"{ENGLISH * 5} Crap, crap."
    assert after(long) == long
    assert after(long, maxPerThousandWords=0) == TOXIC


def test_only_words_that_are_sure_count_by_default() -> None:
    text = f"{ENGLISH} The cock crowed at dawn, and the cock of the neighbours too."
    assert after(text) == text
    assert after(text, grade=1) == TOXIC


def test_words_of_another_language_say_nothing() -> None:
    """`con` is vulgar in French, and `with` in Spanish and Italian; groups are no insult."""
    assert after(SPANISH) == SPANISH
    groups = f"{ENGLISH} Gay men, lesbians, Jews, Muslims, black and Asian people are citizens."
    assert after(groups, grade=1) == groups


def test_the_lists_have_the_listed_languages_and_are_known_by_their_digest() -> None:
    """Units are made anew with other code; the lists are none, so a change needs another name."""
    assert {each.value for each in LexiconLanguage} == {"en", "es", "fr", "it", "pt"}
    digest = hashlib.sha256(_LEXICON.read_bytes()).hexdigest()
    known = "af31cbdea81d3bb745f2d1a9201c3b0633e94cd4bedf944ff46a6451cb9da2e3"
    assert (_LEXICON.name, digest) == ("cuss.json", known)
