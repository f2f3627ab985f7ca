"""A model's shape, and the definition of a family of models."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import ClassVar

from llmtrain_api.families.config_keys import (
    Config,
    ConfigKeys,
    ShapeError,
    flag,
    optional_size,
    required_size,
    rotary_share,
)
from llmtrain_api.families.rules import ShapeRule, as_many_key_value_heads, even_head_size
from llmtrain_api.families.shape import Attention, Experts, FeedForward, Matrix, TensorSplit


@dataclass(frozen=True)
class Architecture:
    """A model's shape with every default filled in."""

    family: "ModelFamily"
    layers: int
    """Transformer blocks."""
    hidden_size: int
    """Width of the residual stream."""
    attention: Attention
    feed_forward: FeedForward
    vocabulary_size: int
    """Rows of the embedding."""
    context_length: int
    """Longest sequence, in tokens."""
    tie_embeddings: bool
    """Whether the embedding and the output layer share their weights."""
    window: int | None = None
    """Positions that a position of a windowed layer sees, itself included."""
    details: Mapping[str, object] = field(default_factory=dict)
    """What else the sizes depend on, by the keys of the family's config.json (`details` there)."""

    def tensor_part(self, tensor: int) -> "Architecture":
        """The shape of the part that one rank of tensor parallelism holds.

        Args:
            tensor: number of parts; it divides the heads and the feed-forward width.
        """
        attention, feed_forward = self.attention, self.feed_forward
        return replace(
            self,
            attention=replace(
                attention,
                heads=attention.heads // tensor,
                key_value_heads=attention.key_value_heads // tensor,
            ),
            feed_forward=replace(feed_forward, width=feed_forward.width // tensor),
        )


class ModelFamily(ABC):
    """A family of models of Hugging Face `transformers`.

    One object of this class is all that the manifest, the planner and the trainer know about a
    family. It needs no training library.
    """

    name: ClassVar[str]
    """Its `model_type` in `transformers`, and its name in the manifest."""
    keys: ClassVar[ConfigKeys]
    """Keys of its config.json for the parts of a shape."""
    absent: ClassVar[Mapping[str, object]] = {}
    """What `transformers` takes for keys that a config.json leaves out, where that is neither
    nothing nor a default below."""
    renamed: ClassVar[Mapping[str, str]] = {}
    """Keys that `transformers` 5 writes under other names, which come first."""
    details: ClassVar[Mapping[str, object]] = {}
    """Further keys that sizes depend on, with what `transformers` takes where they are left out."""
    constants: ClassVar[Mapping[str, object]] = {}
    """Other entries in the config of a new model."""
    dropouts: ClassVar[Mapping[str, str]]
    """The keys of its dropouts, and what each of them drops."""
    rotary_share: ClassVar[float]
    """Share of a head that rotary positions turn, unless a config says otherwise; 0 without."""
    attention_bias: ClassVar[bool]
    """Whether attention has biases, unless a config says otherwise."""
    feed_forward_bias: ClassVar[bool]
    """Whether the feed-forward layer has biases, unless a config says otherwise."""
    tied_by_default: ClassVar[bool]
    """Whether a pretrained model shares embedding and output weights unless its config says so."""
    default_width: ClassVar[str]
    """`default_feed_forward_width` in words, for the manifest's reference."""
    width_is_optional: ClassVar[bool] = False
    """Whether a config.json without the feed-forward layer's width means the default one."""
    vllm_architecture: ClassVar[str | None] = None
    """Name in vLLM's registry of models, which is that of the class in `transformers`; None where
    vLLM has no implementation of the family."""
    rotary_settings: ClassVar[Mapping[str, str]] = {}
    """Settings of rotary positions in a config.json of `transformers` 4, and their names in the
    `rope_parameters` of version 5."""
    is_in_previous: ClassVar[bool] = False
    """Whether the minor version of llmtrain before this one has the family."""
    compiles: ClassVar[bool] = True
    """Whether torch.compile takes its blocks."""
    attention_implementation: ClassVar[str] = "sdpa"
    """Implementation of attention, by its name in `transformers`."""
    masks: ClassVar[str] = "none"
    """Masks that its attention takes of packed documents: `none` where it takes their borders,
    `4-D` where one of all pairs is made, `refused` where documents cannot share a sequence."""
    new_experts: ClassVar[Experts | None] = None
    """Experts of a new model whose manifest names no numbers; None for a family without."""
    new_window: ClassVar[int | None] = None
    """Window of a new model whose manifest names none."""
    tensor_split: ClassVar[TensorSplit | None] = None
    """What tensor parallelism splits; None where it cannot."""
    residual_outputs: ClassVar[tuple[str, ...]] = ()
    """Ends of the names of the weights that write into the residual stream, which depth-scaled
    initialization scales; none for a family that always scales them itself."""

    @abstractmethod
    def default_feed_forward_width(self, hidden_size: int) -> int:
        """Width of the feed-forward layer where the manifest does not set it."""

    @abstractmethod
    def block_matrices(self, shape: Architecture) -> tuple[Matrix, ...]:
        """The linear layers of a block."""

    def embedding_width(self, shape: Architecture) -> int:
        """Columns of the embedding and of the output layer."""
        return shape.hidden_size

    def other_matrices(self, shape: Architecture) -> tuple[Matrix, ...]:
        """Linear layers outside the blocks, but for the output layer."""
        del shape
        return ()

    @abstractmethod
    def block_norm_parameters(self, shape: Architecture) -> int:
        """Parameters of a block outside its matrices."""

    @abstractmethod
    def other_parameters(self, shape: Architecture) -> int:
        """Parameters outside the blocks, but for the embedding of tokens and the output layer."""

    @abstractmethod
    def block_activation_bytes(
        self, shape: Architecture, *, value_bytes: int, dropout: bool
    ) -> int:
        """Bytes that a block keeps for the backward pass, for each token.

        Attention is torch's SDPA with a flash kernel, which keeps no scores.

        Args:
            shape: shape of the model.
            value_bytes: bytes of an activation: 2 for bf16.
            dropout: whether masks are kept, too.
        """

    def score_bytes(self, shape: Architecture, *, value_bytes: int, sequence_length: int) -> int:
        """Bytes of attention's scores that a block keeps, for each token; none in fused attention.

        Args:
            shape: shape of the model.
            value_bytes: bytes of an activation: 2 for bf16.
            sequence_length: tokens of a sequence.
        """
        del shape, value_bytes, sequence_length
        return 0

    def score_product_bytes(
        self, shape: Architecture, *, value_bytes: int, sequence_length: int
    ) -> int:
        """Bytes of the scores as the product of queries and keys, for each token.

        Args:
            shape: shape of the model.
            value_bytes: bytes of an activation: 2 for bf16.
            sequence_length: tokens of a sequence.
        """
        del shape, value_bytes, sequence_length
        return 0

    @abstractmethod
    def block_gradient_bytes(self, shape: Architecture, *, value_bytes: int) -> int:
        """Bytes of the gradients in a block's backward pass, at most, for each token.

        The peak comes at the feed-forward layer, where all that the block keeps is still there.

        Args:
            shape: shape of the model.
            value_bytes: bytes of an activation: 2 for bf16.
        """

    @property
    def rules(self) -> tuple[ShapeRule, ...]:
        """Rules on the manifest's sizes, to which a family may add its own."""
        rules = []
        if self.keys.key_value_heads is None:
            rules.append(as_many_key_value_heads(self.name))
        if self.rotary_share == 1:
            rules.append(even_head_size(self.name))
        return tuple(rules)

    def details_of(self, config: Config) -> Mapping[str, object]:
        """The details in a config.json, or in the constants of a new model."""
        return {key: config.get(key, default) for key, default in self.details.items()}

    def to_config(self, shape: Architecture, *, dropout: float) -> dict[str, object]:
        """The content of a new model's config.json.

        The tokens that begin and end a text are the tokenizer's: they are set when a model is
        saved.

        Args:
            shape: shape of the model.
            dropout: probability, for each of the family's dropouts.
        """
        keys, attention = self.keys, shape.attention
        parts: dict[str | None, object] = {
            keys.layers: shape.layers,
            keys.hidden_size: shape.hidden_size,
            keys.heads: attention.heads,
            keys.key_value_heads: attention.key_value_heads,
            keys.head_size: attention.head_size,
            keys.rotary_share: attention.rotary_share,
            keys.attention_bias: attention.bias,
            keys.feed_forward_width: shape.feed_forward.width,
            keys.feed_forward_bias: shape.feed_forward.bias,
            keys.vocabulary_size: shape.vocabulary_size,
            keys.context_length: shape.context_length,
            keys.tie_embeddings: shape.tie_embeddings,
            keys.window: shape.window,
        }
        if experts := shape.feed_forward.experts:
            parts[keys.experts] = experts.number
            parts[keys.experts_per_token] = experts.per_token
        return {
            "model_type": self.name,
            **{key: value for key, value in parts.items() if key is not None},
            **dict.fromkeys(self.dropouts, dropout),
            "bos_token_id": None,
            "eos_token_id": None,
            **self.constants,
            **shape.details,
        }

    def from_config(self, config: Config) -> Architecture:
        """The shape that a config.json describes; its absent keys are those of `transformers`.

        Raises:
            ShapeError: it lacks a size, or describes a shape that the family cannot have.
        """
        keys = self.keys
        known = {old: config[new] for new, old in self.renamed.items() if new in config}
        config = {**self.absent, **known, **config}
        hidden_size = required_size(config, keys.hidden_size)
        heads = required_size(config, keys.heads)
        return Architecture(
            family=self,
            layers=required_size(config, keys.layers),
            hidden_size=hidden_size,
            attention=Attention(
                heads=heads,
                key_value_heads=optional_size(config, keys.key_value_heads) or heads,
                head_size=self._head_size(config, hidden_size // heads),
                rotary_share=rotary_share(config, keys.rotary_share, default=self.rotary_share),
                bias=flag(config, keys.attention_bias, default=self.attention_bias),
            ),
            feed_forward=FeedForward(
                self._feed_forward_width(config, hidden_size),
                bias=flag(config, keys.feed_forward_bias, default=self.feed_forward_bias),
                experts=self._experts(config),
            ),
            vocabulary_size=required_size(config, keys.vocabulary_size),
            context_length=self._context_length(config),
            tie_embeddings=flag(config, keys.tie_embeddings, default=self.tied_by_default),
            window=optional_size(config, keys.window),
            details=self.details_of(config),
        )

    def _context_length(self, config: Config) -> int:
        assert self.keys.context_length is not None, "a family without a limit has its own rule"
        return required_size(config, self.keys.context_length)

    def _experts(self, config: Config) -> Experts | None:
        keys = self.keys
        if keys.experts is None or keys.experts_per_token is None:
            return None
        number = required_size(config, keys.experts)
        per_token = required_size(config, keys.experts_per_token)
        if per_token > number:
            raise ShapeError(
                f"{keys.experts_per_token} is {per_token}; it must be at most {keys.experts}, "
                f"{number}"
            )
        return Experts(number, per_token)

    def _feed_forward_width(self, config: Config, hidden_size: int) -> int:
        key = self.keys.feed_forward_width
        if key is not None and not self.width_is_optional:
            return required_size(config, key)
        return optional_size(config, key) or self.default_feed_forward_width(hidden_size)

    def _head_size(self, config: Config, default: int) -> int:
        size = optional_size(config, self.keys.head_size) or default
        if self.rotary_share == 1 and size % 2:
            name = self.keys.head_size or f"{self.keys.hidden_size} / {self.keys.heads}"
            raise ShapeError(
                f"{name} is {size}; supported is an even number, since rotary positions turn "
                f"pairs, such as hidden size / heads = {default}"
            )
        return size
