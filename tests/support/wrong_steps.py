"""Lists of data steps that are wrong in one place each, and lists that only look so."""

WRONG_STEPS: list[tuple[str, object, str]] = [
    ("spec.data.steps", [{"gopher": {"maxWords": 10}}], "minWords must not exceed maxWords"),
    ("spec.data.steps", [{"length": {"minWords": 200_000}}], "minWords must not exceed maxWords"),
    (
        "spec.data.steps",
        [{"gopher": {"minMeanWordLength": 10.5}}],
        "minMeanWordLength must not exceed maxMeanWordLength",
    ),
    ("spec.data.steps", [], "spec.data.steps"),
    ("spec.data.steps", [{}], "set exactly one of html, unicode"),
    ("spec.data.steps", [{"html": {}, "unicode": {}}], "set exactly one of html, unicode"),
    ("spec.data.steps", [{"exactDedup": {}}, {"html": {}}], "must come after all others"),
    ("spec.data.steps", [{"lineDedup": {}}, {"html": {}}], "must come after all others"),
    ("spec.data.steps", [{"lineDedup": {"unit": "word"}}], "steps[0].lineDedup.unit"),
    ("spec.data.steps", [{"lineDedup": {"minDocuments": 1}}], "lineDedup.minDocuments"),
    ("spec.data.steps", [{"classifier": {}}], "steps[0].classifier.model"),
    (
        "spec.data.steps",
        [{"classifier": {"model": "m", "min": 0.5, "max": 0.4}}],
        "min must not exceed max",
    ),
    ("spec.data.steps", [{"classifier": {"model": "m", "keepTop": 0}}], "classifier.keepTop"),
    (
        "spec.data.steps",
        [{"perplexity": {"model": "m", "dropLowest": 0.5, "dropHighest": 0.5}}],
        "dropLowest and dropHighest together must be less than 1",
    ),
    (
        "spec.data.steps",
        [{"spelling": {"language": "de"}}],
        "a language other than en needs a dictionary",
    ),
    ("spec.data.steps", [{"language": {"keep": ["eng"]}}], "steps[0].language.keep[0]"),
    ("spec.data.steps", [{"pii": {"phoneRegions": ["UK"]}}], "steps[0].pii.phoneRegions[0]"),
    ("spec.data.steps", [{"pii": {"phoneRegions": ["XX"]}}], "steps[0].pii.phoneRegions[0]"),
    (
        "spec.data.steps",
        [{"pii": {"kinds": ["email"], "phoneRegions": ["DE"]}}],
        "phoneRegions needs phone among kinds",
    ),
]
"""Place, value, and what the message says."""

RIGHT_STEPS: list[tuple[str, object]] = [
    ("spec.data.steps", [{"gopher": {"maxWords": 50}}]),
    ("spec.data.steps", [{"gopher": {"minMeanWordLength": 10}}, {"length": {"minWords": 100_000}}]),
    ("spec.data.steps", [{"exactDedup": {}}, {"exactDedup": {}}]),
    ("spec.data.steps", [{"lineDedup": {"unit": "paragraph"}}, {"lineDedup": {}}]),
    ("spec.data.steps", [{"pii": {"phoneRegions": ["DE", "GB"]}}]),
    ("spec.data.steps", [{"pii": {"kinds": ["ip", "phone"], "phoneRegions": ["DE"]}}]),
    ("spec.data.steps", [{"classifier": {"model": "m", "min": -0.5}}]),
    ("spec.data.steps", [{"perplexity": {"model": "m", "dropLowest": 0.5}}]),
    ("spec.data.steps", [{"spelling": {"language": "de", "dictionary": "de.txt"}}]),
    ("spec.data.steps", [{"spelling": {"language": "en", "mode": "correct"}}]),
    ("spec.data.steps", [{"classifier": {"model": "m", "min": 0.5, "max": 0.5, "keepTop": 1}}]),
    ("spec.data.steps", [{"language": {"keep": ["en", "zh"], "min": 1, "keepUnknown": True}}]),
]
