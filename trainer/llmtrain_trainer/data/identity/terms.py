"""Our own short English lists: words for groups of people, pronouns, and words of ill will or harm.

They are made to compare groups with each other, not to judge a sentence. Words with another common
meaning are left out (`black`, `white`, `old`, `gay` as in older prose), and so are insults, which
the step `toxicity` knows. Change a list, and figures of other versions can no longer be compared.
"""

IDENTITY_TERMS = {
    "gender": {
        "women": ("woman", "women", "girl", "girls", "mother", "mothers", "daughter", "wife"),
        "men": ("man", "men", "boy", "boys", "father", "fathers", "son", "husband"),
        "transgender": ("transgender", "transsexual", "nonbinary"),
    },
    "orientation": {
        "homosexual": ("homosexual", "homosexuals", "lesbian", "lesbians", "bisexual", "bisexuals"),
        "heterosexual": ("heterosexual", "heterosexuals"),
    },
    "religion": {
        "Christian": ("christian", "christians", "catholic", "catholics", "protestant"),
        "Muslim": ("muslim", "muslims", "islamic"),
        "Jewish": ("jew", "jews", "jewish"),
        "Hindu": ("hindu", "hindus"),
        "Buddhist": ("buddhist", "buddhists"),
        "atheist": ("atheist", "atheists"),
    },
    "origin": {
        "African": ("african", "africans"),
        "American": ("american", "americans"),
        "Arab": ("arab", "arabs"),
        "Asian": ("asian", "asians"),
        "European": ("european", "europeans"),
        "Hispanic": ("hispanic", "hispanics", "latino", "latinos", "latina", "latinas"),
        "Roma": ("roma", "romani", "gypsy", "gypsies"),
        "immigrants": ("immigrant", "immigrants", "migrant", "migrants", "refugee", "refugees"),
    },
    "disability": {
        "blind or deaf": ("blind", "deaf"),
        "disabled": ("disabled", "autistic", "paralyzed", "paralysed"),
    },
    "age": {
        "elderly": ("elderly", "pensioner", "pensioners"),
        "young": ("teenager", "teenagers", "adolescent", "adolescents"),
    },
}
"""Words by the group that they stand for, and groups by what distinguishes them."""

PRONOUNS = {
    "he": ("he", "him", "his", "himself"),
    "she": ("she", "her", "hers", "herself"),
    "they": ("they", "them", "their", "theirs", "themselves", "themself"),
}
"""Pronouns of the third person. Most of `they` is the plural."""

_NEGATIVE = """
abuse abused abusive angry arrogant attack attacked bad brutal brutality corrupt coward cowardly
crime crimes criminal criminals cruel cruelty danger dangerous deceitful despise despised dirty
disease diseased disgrace disgusting dishonest enemies enemy evil failure fanatic fanatics fear
feared filthy fraud greedy guilty hate hated hateful hatred hostile hysterical ignorant illegal
immoral inferior insane invade invaded lazy liar liars lie lied murder murdered murderer
murderers nasty prison rape raped savage selfish shame shameful steal stole stolen stupid
terror terrorism terrorist terrorists thief thieves threat threaten threatened ugly useless
vicious victim victims violence violent weak wicked worse worst worthless
"""
NEGATIVE_WORDS = frozenset(_NEGATIVE.split())
"""Words of ill will, blame or harm."""

FUNCTION_WORDS = frozenset(
    ("the", "and", "that", "with", "this", "from", "which", "have", "are", "were")
)
"""Frequent words of English that other languages hardly have, by which its texts are recognized."""
