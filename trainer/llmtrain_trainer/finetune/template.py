"""How a conversation is written as text, and where a turn of the assistant ends.

ChatML (OpenAI 2023) as Qwen and others use it. `{% generation %}` marks what the assistant
writes, the end of its turn included: that is what counts for the loss.
"""

from transformers import PreTrainedTokenizerBase

from llmtrain_trainer.errors import UserError
from llmtrain_trainer.finetune.conversation import Message
from llmtrain_trainer.finetune.encode import encode

_CHATML = """\
{%- for message in messages %}
{{- '<|im_start|>' + message['role'] + '\\n' }}
{%- if message['role'] == 'assistant' %}
{%- generation %}{{- message['content'] + 'END_OF_TURN' }}{%- endgeneration %}
{%- else %}
{{- message['content'] + 'END_OF_TURN' }}
{%- endif %}
{{- '\\n' }}
{%- endfor %}
{%- if add_generation_prompt %}
{{- '<|im_start|>assistant\\n' }}
{%- endif %}"""
_IM_END = "<|im_end|>"


def ensure_chat_template(tokenizer: PreTrainedTokenizerBase) -> None:
    """Give a tokenizer ChatML, unless it brings a template of its own.

    A tokenizer that does not know ChatML's tokens gets no new ones, since the model has no rows
    for them: `<|im_start|>` is then a few tokens of text, and a turn ends with the tokenizer's own
    end-of-text token, so that every program that generates knows where to stop.

    Args:
        tokenizer: a Hugging Face tokenizer; it is changed.

    Raises:
        UserError: it has neither `<|im_end|>` nor an end-of-text token.
    """
    if tokenizer.chat_template is not None:
        return
    end_of_turn = _IM_END if _IM_END in tokenizer.get_vocab() else tokenizer.eos_token
    if end_of_turn is None:
        raise UserError(
            f"{tokenizer.name_or_path}: the tokenizer has neither a chat template nor the token "
            f"{_IM_END} nor an end-of-text token, so a turn could not end; set eos_token in its "
            "tokenizer_config.json"
        )
    tokenizer.chat_template = _CHATML.replace("END_OF_TURN", end_of_turn)


def end_of_turn_ids(tokenizer: PreTrainedTokenizerBase) -> list[int]:
    """The tokens at which generation stops: the end of a turn, and the end of text."""
    ids = [] if tokenizer.eos_token_id is None else [int(tokenizer.eos_token_id)]
    if tokenizer.chat_template is not None:
        last = _last_assistant_token(tokenizer)
        if last in tokenizer.added_tokens_decoder and last not in ids:
            ids.insert(0, last)
    return ids


def _last_assistant_token(tokenizer: PreTrainedTokenizerBase) -> int:
    probe = [Message(role="user", content="Hi"), Message(role="assistant", content="Hello")]
    encoded = encode(tokenizer, probe)
    return int(encoded.tokens[encoded.counts].tolist()[-1])
