"""Jobs that are wrong in one field each, and jobs that only look so."""

from support.cluster.jobs import Removed
from support.wrong_mixtures import RIGHT_MIXTURES, WRONG_MIXTURES
from support.wrong_models import RIGHT_MODELS, WRONG_MODELS
from support.wrong_parts import WRONG_PARTS
from support.wrong_steps import RIGHT_STEPS, WRONG_STEPS

_WIDE = {"layers": 2, "hiddenSize": 64, "heads": 4}
_HALVES = {"schedule": "warmupStableDecay", "warmupFraction": 0.5}
_QUIZ = {"lmEval": {"name": "quiz", "include": "tasks"}}
_TEXT = {"sources": [{"pythonDocs": {}}]}

_RESERVED_NAMES = {
    "llmtrain sets it": ("LLMTRAIN_ANY", "HOME", "DS_ACCELERATOR"),
    "it decides which code runs": ("PATH", "PYTHONPATH", "LD_PRELOAD", "BASH_ENV"),
    "Ray and KubeRay set it": ("RAY_ADDRESS", "KUBERAY_GEN_RAY_START_CMD", "FQ_RAY_IP"),
    "the ranks find each other by it": (
        "MASTER_ADDR",
        "RANK",
        "LOCAL_RANK",
        "WORLD_SIZE",
        "LOCAL_WORLD_SIZE",
        "TORCHELASTIC_RUN_ID",
        "NCCL_COMM_ID",
        "TORCH_NCCL_BLOCKING_WAIT",
    ),
    "it decides which GPUs a Pod gets": ("CUDA_VISIBLE_DEVICES", "NVIDIA_VISIBLE_DEVICES"),
    "Kubernetes sets it": ("KUBERNETES_SERVICE_HOST", "HOSTNAME"),
}


def _variable(name: str, value: str = "x") -> dict[str, str]:
    return {"name": name, "value": value}


def _from_secret(secret: str, *variables: str) -> dict[str, object]:
    """A Secret as files, or as variables where these are named."""
    if not variables:
        return {"name": secret, "files": True}
    return {"name": secret, "environment": [{"name": name} for name in variables]}


def _volume(name: str, **fields: object) -> dict[str, object]:
    return {"name": name, "claimName": "a"} | fields


_HEAD = "spec.compute.head"
_CLAIM = "spec.workspace.persistentVolumeClaim"

WRONG_IN_KUBERNETES: list[tuple[str, object, str]] = [
    *(
        ("spec.image", image, "spec.image")
        for image in ("a b", " a", "a\n", "Team/Trainer", "a:", "a@sha256:12", "a//b", "-a", "ä")
    ),
    *(
        (f"{_HEAD}.nodeSelector", {key: "x"}, f"{_HEAD}.nodeSelector")
        for key in (
            "a b",
            "-a",
            "a/",
            "/a",
            "a/b/c",
            "A.b/c",
            "a" * 64,
            f"{'d' * 254}/a",
            "",
            "a\n",
        )
    ),
    *(
        (f"{_HEAD}.nodeSelector", {"a": value}, f"{_HEAD}.nodeSelector.a")
        for value in ("a b", "-a", "a-", "a/b", "a" * 64, "ä", "a\n")
    ),
    *(
        (
            "spec.compute.trainers.tolerations[0].key",
            key,
            "spec.compute.trainers.tolerations[0].key",
        )
        for key in ("a b", "-a", "a/", "/a", "a/b/c", "a" * 64, f"{'d' * 254}/a", "", "a\n")
    ),
    *(
        ("spec.compute.cpus.tolerations", [{"key": "a", "value": value}], "tolerations[0].value")
        for value in ("a b", "-a", "a-", "a/b", "a" * 64)
    ),
    ("spec.compute.cpus.tolerations", [{"key": "a", "effect": "Never"}], "tolerations[0].effect"),
    *(
        (path, name, path)
        for path in (
            "spec.workspace.storageClassName",
            f"{_CLAIM}.claimName",
            "spec.policy.queueName",
            "spec.policy.priorityClassName",
        )
        for name in ("a..b", "a.", "-a", "a-.b", "A", "a b", "", "a" * 254, "a\n")
    ),
    ("spec.policy.queueName", "a" * 64, "spec.policy.queueName"),
    *(
        ("spec.environment", [{"name": name, "value": "x"}], "spec.environment[0].name")
        for name in ("", "1A", "A-B", "A B", "A=B", "A\n", "\u00c4", "A" * 129)
    ),
    *(
        ("spec.secrets", [{"name": "a", "environment": [{"name": "A", "key": key}]}], "[0].key")
        for key in ("", ".", "..", "..a", "a b", "a/b", "\u00e4", "a" * 254, "a\n")
    ),
    *(
        ("spec.secrets", [{"name": name, "files": True}], "spec.secrets[0].name")
        for name in ("a..b", "A", "a/b", "../a", "", "a" * 254)
    ),
    *(
        ("spec.volumes", [{"name": name, "claimName": "a"}], "spec.volumes[0].name")
        for name in ("", "a/b", "..", "../a", ".", "A", "a.b", "-a", "a" * 49, "a\n")
    ),
    *(
        ("spec.volumes", [{"name": "a", "claimName": "a", "subPath": path}], "[0].subPath")
        for path in ("/a", "../a", "a/..", "a//b", "a/", ".", "")
    ),
    ("spec.volumes", [{"name": "a", "claimName": "A"}], "spec.volumes[0].claimName"),
    *(
        (f"spec.compute.{section}.profile", name, f"spec.compute.{section}.profile")
        for section in ("head", "trainers", "cpus")
        for name in ("", "A", "a b", "a/b", "a" * 64)
    ),
    *(
        (f"spec.{field}", {key: "x"}, f"spec.{field}")
        for field in ("labels", "annotations")
        for key in ("a b", "a/", "/a", "a/b/c", "A.b/c", "", "a\n", f"{'d' * 254}/a")
    ),
    ("spec.labels", {"a": "b c"}, "spec.labels.a"),
    ("spec.serviceAccountName", "a/b", "spec.serviceAccountName"),
    ("spec.environment", [{"name": "A", "value": "a\0b"}], "spec.environment[0].value"),
    ("spec.environment", [{"name": "A", "value": "a" * 4097}], "spec.environment[0].value"),
    *(
        (_CLAIM, {"claimName": "a", "subPath": path}, f"{_CLAIM}.subPath")
        for path in ("/a", "../a", "a/..", "a//b", "a/", ".", "", "a b")
    ),
    *(
        ("spec.workspace.size", size, "spec.workspace.size")
        for size in ("0Gi", "1.5Gi", "20", "20G", "-1Gi", "1Pi", "1e3Gi")
    ),
]
"""What a Pod, a claim or a RayCluster would be refused for."""

WRONG_JOBS: list[tuple[str, object, str]] = [
    *WRONG_IN_KUBERNETES,
    *(
        ("spec.environment", [{"name": name, "value": "x"}], f"this name cannot be set: {why}")
        for why, names in _RESERVED_NAMES.items()
        for name in names
    ),
    *(
        ("spec.secrets", [{"name": "a", "environment": [{"name": name}]}], f"be set: {why}")
        for why, (name, *_) in _RESERVED_NAMES.items()
    ),
    ("spec.environment", [_variable("A"), _variable("A")], "spec.environment[1]"),
    ("spec.secrets", [_from_secret("a"), _from_secret("a")], "spec.secrets[1]"),
    ("spec.secrets", [_from_secret("a", "A"), _from_secret("b", "A")], "is set twice"),
    ("spec.secrets", [_from_secret("a", "A", "A")], "spec.secrets[0].environment[1]"),
    ("spec.secrets", [{"name": "a"}], "say how the Secret is used"),
    ("spec.secrets", [{"name": "a", "environment": [], "files": False}], "say how the Secret is"),
    ("spec.secrets", [{"name": "a", "values": {"A": "b"}}], "unknown field"),
    ("spec.volumes", [_volume("a"), _volume("a")], "spec.volumes[1]"),
    *(
        (f"spec.{field}", {key: "x"}, "of llmtrain.io, ray.io, kubernetes.io and k8s.io cannot be")
        for field in ("labels", "annotations")
        for key in (
            "llmtrain.io/job",
            "ray.io/cluster",
            "kubernetes.io/a",
            "app.kubernetes.io/name",
            "container.apparmor.security.beta.kubernetes.io/ray-head",
            "a.k8s.io/b",
            "kueue.x-k8s.io/queue-name",
        )
    ),
    ("spec.annotations", {"a": "x" * 4097}, "spec.annotations"),
    ("metadata.name", "a" * 41, "metadata.name must have at most 40 characters"),
    ("spec.data.sources[0]", {"huggingFace": {"path": "a\0b"}}, "sources[0].huggingFace.path"),
    ("metadata.labels", {"a b": "x"}, "metadata.labels"),
    ("metadata.labels", {"a": "b c"}, "metadata.labels"),
    ("metadata.annotations", {"a/b/c": "x"}, "metadata.annotations"),
    ("metadata.annotations", {"a": "x" * 2**18}, "metadata.annotations"),
    ("metadata.name", "a.b", "metadata.name must be lower case"),
    ("spec", {}, "set at least one of data, tokenizer, pretrain"),
    ("spec.sede", 1, 'unknown field "spec.sede"'),
    ("spec.seed", -1, "spec.seed"),
    ("spec.compute.trainers.gpus", 17, "spec.compute.trainers.gpus"),
    ("spec.compute.trainers.memory", "8GB", "spec.compute.trainers.memory"),
    ("spec.data", Removed.REMOVED, "pretrain needs data, tokenizer and model"),
    ("spec.data.sources", [], "spec.data.sources"),
    ("spec.data.sources[0]", {}, "set exactly one of pythonDocs, files or huggingFace"),
    ("spec.data.sources[0].huggingFace.path", "wikitext", "spec.data.sources[0]"),
    ("spec.data.sources[0].pythonDocs.version", "3.11", "spec.data.sources[0].pythonDocs.version"),
    ("spec.data.validationFraction", 0.5, "spec.data.validationFraction"),
    *WRONG_MIXTURES,
    *WRONG_PARTS,
    ("spec.tokenizer.algorithm", "bytes", "spec.tokenizer.algorithm"),
    ("spec.tokenizer.vocabularySize", Removed.REMOVED, "spec.tokenizer"),
    ("spec.tokenizer.pretrained", "gpt2", "set vocabularySize to train a tokenizer"),
    (
        "spec.tokenizer",
        {"pretrained": "gpt2", "sample": {"maxBytes": 10**6}},
        "sample is for a vocabulary that is learned",
    ),
    ("spec.tokenizer.sample", {"sourceExponent": 2}, "spec.tokenizer.sample.sourceExponent"),
    ("spec.model.layers", "12", "spec.model.layers"),
    ("spec.model.layers", 513, "spec.model.layers"),
    ("spec.model.heads", 5, "hiddenSize must be divisible by heads"),
    ("spec.model.keyValueHeads", 3, "heads must be divisible by keyValueHeads"),
    ("spec.model.initFrom", "gpt2", "remove the sizes"),
    ("spec.model.contextLength", 64, "pretrain.sequenceLength must not exceed"),
    ("spec.pretrain.tokens", "20", "spec.pretrain.tokens"),
    ("spec.pretrain.tokens", 0, "spec.pretrain.tokens"),
    ("spec.pretrain.microBatchSize", 0, "spec.pretrain.microBatchSize"),
    ("spec.pretrain.microBatchSize", "most", "spec.pretrain.microBatchSize"),
    ("spec.pretrain.batchTokens", 4097, "batchTokens must be a multiple of sequenceLength"),
    ("spec.pretrain.optimizer.learningRate", 0, "spec.pretrain.optimizer.learningRate"),
    ("spec.pretrain.zero.stage", 4, "spec.pretrain.zero.stage"),
    ("spec.pretrain.zero", {"stage": 2, "offload": "parameters"}, "needs zero stage 3"),
    ("spec.finetune.lora", {}, "lora needs method: lora"),
    ("spec.evaluate.tasks", [{}], "set exactly one of heldOutDocs or lmEval"),
    ("spec.evaluate.generations", {"prompts": ["x"], "temperature": 1e-38}, "temperature must be"),
    ("spec.evaluate.tasks", [{"lmEval": {"name": "q" * 190, "include": "t"}}], "lmEval.name"),
    ("spec.pretrain.optimizer.epsilon", 1e-46, "spec.pretrain.optimizer.epsilon"),
    ("spec.evaluate.gates[0].max", Removed.REMOVED, "set min, max or both"),
    ("spec.evaluate.generations", {"prompts": ["x" * 32769]}, "generations.prompts[0]"),
    ("spec.policy.retries.application", -2, "spec.policy.retries.application"),
    ("spec.model.hidden_size", 64, 'unknown field "spec.model.hidden_size"'),
    *WRONG_STEPS,
    ("spec.pretrain.optimizer", _HALVES | {"decayFraction": 0.6}, "must not exceed 1 together"),
    ("spec.finetune.optimizer", _HALVES | {"decayFraction": 0.6}, "must not exceed 1 together"),
    (
        "spec.model",
        _WIDE | {"family": "gpt2", "keyValueHeads": 2},
        "as many keyValueHeads as heads",
    ),
    (
        "spec.model",
        {"family": "gpt_neox", "layers": 2, "hiddenSize": 12, "heads": 4},
        "gpt_neox needs hiddenSize / heads of 4 or more",
    ),
    ("spec.model.hiddenSize", 60, "llama needs an even hiddenSize / heads"),
    *WRONG_MODELS,
    ("spec.model.vocabularySize", 2047, "must not be less than tokenizer.vocabularySize"),
    ("spec.model", {"initFrom": "gpt2"}, "pretrain needs that model's tokenizer"),
    ("spec.finetune.sequenceLength", 256, "finetune.sequenceLength must not exceed"),
    ("spec.compute.trainers.replicas", 3, "pretrain.batchTokens must be a multiple of"),
    ("spec.pretrain.microBatchSize", 3, "pretrain.batchTokens must be a multiple of"),
    ("spec.finetune.microBatchSize", 1024, "finetune.batchTokens must be a multiple of"),
    ("spec.pretrain.precision", "fp8", "pretrain.precision fp8 needs GPUs"),
    ("spec.finetune.precision", "fp8", "finetune.precision fp8 needs GPUs"),
    (
        "spec.pretrain",
        {"tokens": 100_000, "precision": "fp8", "zero": {"stage": 3}},
        "precision fp8 needs zero stage 0, 1 or 2",
    ),
    (
        "spec.pretrain",
        {"tokens": 100_000, "activationCheckpointing": "selective", "zero": {"stage": 3}},
        "pretrain.zero.stage",
    ),
    (
        "spec.finetune",
        {"data": _TEXT, "precision": "fp8", "method": "lora"},
        "precision fp8 needs method: full",
    ),
    ("spec.compute.trainers.gpus", 2, "compute.trainers.cpus must not be less than gpus"),
    ("spec.evaluate.gates[0].min", 2.6, "min must not exceed max"),
    ("spec.evaluate.gates[0].metric", "bitsPerBytes", "name a metric that is not measured"),
    ("spec.evaluate.gates[0].metric", "quiz/acc", "name a metric that is not measured"),
    ("spec.evaluate.bitsPerByte", False, "name a metric that is not measured"),
    ("spec.evaluate.tasks", [_QUIZ, _QUIZ], "two tasks have the same name"),
    (
        "spec.evaluate.data",
        _TEXT | {"augment": [{"randomSwap": {}}]},
        "augment makes copies of training documents",
    ),
    ("spec.data.augment", [{"randomSwap": {"rate": 0.6}}], "rate"),
    (
        "spec.data.augment",
        [{"backTranslation": {"forward": {"model": "a"}, "back": {"model": "b"}, "copies": 2}}],
        "several copies need a temperature above 0",
    ),
    ("spec.data.augment", [{}], "set exactly one of synonymReplacement"),
    ("spec.evaluate.tasks", [{"heldOutDocs": {}}] * 2, "two tasks have the same name"),
    ("spec.evaluate.data", _TEXT, "evaluate.data is for jobs without data"),
    ("spec", {"model": {"initFrom": "gpt2"}, "evaluate": {}}, "evaluate needs text"),
]
"""A field, a value that is wrong in it, and words of the server's refusal."""

_LONG_KEY = f"{'d' * 253}/{'A' * 31}_.-{'z' * 29}"
RIGHT_IN_KUBERNETES: list[tuple[str, object]] = [
    *(
        ("spec.image", image)
        for image in (
            "a",
            "registry.example:5000/team/sub_team/trainer-gpu:1.2_A-b",
            "Registry.Example/trainer",
            f"[2001:db8::1]:5000/a__b@sha256:{'0' * 64}",
            f"trainer:main@sha256:{'f' * 64}",
        )
    ),
    (f"{_HEAD}.nodeSelector", {_LONG_KEY: "a" * 63, "A": "", "kubernetes.io/arch": "arm64"}),
    (f"{_HEAD}.nodeSelector", {f"{n}.x/{'k' * 63}": f"{n}_A.b" for n in range(32)}),
    (
        "spec.compute.trainers.tolerations",
        [
            {"key": _LONG_KEY, "value": "a" * 63, "effect": "NoExecute"},
            {"key": "a", "value": ""},
            {"key": "a"},
            {"key": "a"},
            {"key": "a", "effect": "PreferNoSchedule"},
        ],
    ),
    ("spec.workspace.storageClassName", f"{'a' * 251}.b"),
    ("spec.workspace.storageClassName", "0-fast.ssd"),
    (_CLAIM, {"claimName": f"{'0' * 251}.b", "subPath": "a_/-".replace("/-", "/_-") + "/b.."}),
    ("spec.policy.queueName", "a." * 31 + "a"),
    (
        "spec.environment",
        [
            _variable("NCCL_IB_HCA", "mlx5"),
            _variable("a", ""),
            _variable("_" * 128, "$(HOME) $$ 'x' \n" * 200),
            _variable("LORA_RANK"),
            _variable("https_proxy", "http://proxy:3128"),
            *(_variable(f"V{number}") for number in range(59)),
        ],
    ),
    (
        "spec.secrets",
        [
            {"name": f"{'a' * 251}.b", "files": True, "environment": [{"name": "A", "key": ".a"}]},
            {"name": "b.c", "environment": [{"name": "HF_TOKEN", "key": "-._a" * 63}]},
            *(_from_secret(f"{n}", *(f"S{n}_{v}" for v in range(16))) for n in range(13)),
            {"name": "files", "files": True},
        ],
    ),
    ("spec.policy.priorityClassName", f"{'a' * 251}.b"),
    (
        "spec.volumes",
        [
            _volume("a" * 48, claimName=f"{'a' * 251}.b", subPath="a_/b..", readOnly=False),
            *(_volume(f"v-{number}") for number in range(15)),
        ],
    ),
    ("spec.labels", {_LONG_KEY: "a" * 63, "team": "", "x-ray.io/a": "b", "multus.dev/k8s.io": ""}),
    ("spec.annotations", {f"{n}.x/{'k' * 63}": "any text\n" * 400 for n in range(32)}),
    ("spec.compute.limitCpus", True),
    ("spec.compute.head.memory", "999999999Ti"),
    ("spec.compute.trainers", {"replicas": 1, "gpus": 16, "cpus": 1024}),
    ("spec.workspace", {"size": "999999999Ti", "shared": False}),
    ("metadata.name", "7" * 40),
    ("metadata.labels", {_LONG_KEY: "a" * 63, "A": ""}),
    ("metadata.annotations", {"Example.com/A": "any text\n", "a": "x" * 2**17}),
]
"""What a Pod, a claim and a RayCluster are accepted with, though it looks odd or is long."""

RIGHT_JOBS: list[tuple[str, object]] = [
    *RIGHT_IN_KUBERNETES,
    *RIGHT_MIXTURES,
    *RIGHT_STEPS,
    ("spec.pretrain.optimizer", _HALVES | {"decayFraction": 0.5}),
    ("spec.pretrain.optimizer", {"schedule": "cosine", "warmupFraction": 0.9}),
    ("spec.model", _WIDE | {"family": "gpt2", "keyValueHeads": 4}),
    ("spec.model", {"family": "gpt2", "layers": 2, "hiddenSize": 60, "heads": 4}),
    ("spec.model.vocabularySize", 2048),
    ("spec.model", _WIDE | {"contextLength": 256}),
    *RIGHT_MODELS,
    ("spec.finetune.sequenceLength", 64),
    ("spec.pretrain.microBatchSize", "auto"),
    ("spec.compute.trainers", {"replicas": 4, "gpus": 8, "cpus": 8}),
    ("spec.pretrain.microBatchSize", 32),
    ("spec.evaluate.gates[0].min", 2.5),
    ("spec.evaluate.gates[0].metric", "perplexity"),
    ("spec.evaluate.generations", {"prompts": ["x"], "temperature": 0.01}),
    ("spec.evaluate.generations", {"prompts": ["x"], "temperature": 0}),
    ("spec.evaluate", {"tasks": [_QUIZ], "gates": [{"metric": "quiz/exact-match.x", "min": 0.5}]}),
    (
        "spec.evaluate",
        {
            "bitsPerByte": False,
            "tasks": [_QUIZ, {"heldOutDocs": {}}],
            "gates": [{"metric": "heldOutDocs/accuracy", "min": 0.3, "max": 0.9}],
        },
    ),
    ("spec", {"model": {"initFrom": "gpt2"}, "evaluate": {"data": _TEXT}}),
    ("spec", {"model": {"initFrom": "gpt2"}, "evaluate": {"bitsPerByte": False}}),
]
"""A field, and a value that is right in it though it reaches a rule's edge."""
