"""Words that hardly a text of a language does without, and that other languages lack."""

_LANGUAGES = {
    "English": "the be to of and that have with",  # Rae et al. 2021
    "Czech": "že není jsou nebo jako být který při pro také",
    "Danish and Norwegian": "ikke som eller også være fra efter etter det og",
    "Dutch": "het een van niet voor zijn ook wordt maar deze",
    "Finnish": "että ovat myös mutta kuin joka tämä hän sekä oli",
    "French": "les des une est dans que pour qui sur avec aux cette",
    "German": "der das und nicht ist ein eine mit für auf dem den von sich",
    "Hungarian": "és hogy nem egy az meg volt csak vagy mint",
    "Indonesian": "yang dan ini untuk dengan dari tidak pada adalah dalam",
    "Italian": "che della non sono il una con per gli anche nel",
    "Polish": "się nie jest że oraz przez dla jako tym być",
    "Portuguese": "que não uma com para os dos são pelo como",
    "Romanian": "și este nu pentru care din mai sunt că fost",
    "Spanish": "que los las una por con para como está del más",
    "Swedish": "och att det som för inte är från ett också",
    "Turkish": "ve bir bu için ile olan olarak çok daha gibi",
    "Vietnamese": "và của là không được có cho những trong một",
}
_STOP_WORDS = [frozenset(words.split()) for words in _LANGUAGES.values()]
_PUNCTUATION = ".,;:!?\"'()[]{}\u00ab\u00bb\u00a1\u00bf\u2018\u2019\u201a\u201c\u201d\u201e"


def most_stop_words(words: list[str]) -> int:
    """How many stop words of one language occur, each counted once: of the one with the most."""
    found = {word.strip(_PUNCTUATION).lower() for word in words}
    return max(len(stop_words & found) for stop_words in _STOP_WORDS)
