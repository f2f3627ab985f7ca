"""The chat template: the text of a conversation, and the end of the assistant's turn.

ChatML (OpenAI 2023) as Qwen and others use it. `{% generation %}` marks what the assistant
writes, the end of its turn included: that is what counts for the loss. Tools are written as Hermes
and Qwen write them: schemas in `<tools>`, calls as JSON in `<tool_call>`.
"""

from transformers import PreTrainedTokenizerBase

from llmtrain_trainer.conversations.conversation import Conversation, Message
from llmtrain_trainer.conversations.encode import ChatEncoder
from llmtrain_trainer.conversations.rendering import marks_answers, render_conversation
from llmtrain_trainer.errors import UserError

_CHATML = """\
{%- set with_system = messages and messages[0]['role'] == 'system' %}
{%- if tools %}
{{- '<|im_start|>system\\n' }}
{%- if with_system %}{{- messages[0]['content'] + '\\n\\n' }}{%- endif %}
{{- 'The tools that may be called:\\n<tools>' }}
{%- for tool in tools %}{{- '\\n' + (tool | tojson) }}{%- endfor %}
{{- '\\n</tools>' + 'END_OF_TURN' + '\\n' }}
{%- endif %}
{%- for message in (messages[1:] if tools and with_system else messages) %}
{{- '<|im_start|>' + message['role'] + '\\n' }}
{%- if message['role'] == 'assistant' %}
{%- generation %}{{- message['content'] or '' }}
{%- for call in message['tool_calls'] or [] %}
{{- ('\\n' if message['content'] or not loop.first else '') + '<tool_call>\\n' }}
{{- call['function'] | tojson }}
{{- '\\n</tool_call>' }}
{%- endfor %}
{{- 'END_OF_TURN' }}{%- endgeneration %}
{%- else %}
{{- message['content'] + 'END_OF_TURN' }}
{%- endif %}
{{- '\\n' }}
{%- endfor %}
{%- if add_generation_prompt %}
{{- '<|im_start|>assistant\\n' }}
{%- endif %}"""
_IM_END = "<|im_end|>"
_QUESTION, _ANSWER, _NEXT_QUESTION = "What is asked?", "What is answered.", "And then?"


def ensure_chat_template(tokenizer: PreTrainedTokenizerBase) -> None:
    """Give a tokenizer ChatML, unless it brings a template of its own, which is tried.

    A tokenizer that does not know ChatML's tokens gets no new ones, since the model has no rows
    for them: `<|im_start|>` is then a few tokens of text, and a turn ends with the tokenizer's own
    end-of-text token, so that every program that generates knows where to stop.

    Args:
        tokenizer: a Hugging Face tokenizer; it is changed.

    Raises:
        UserError: it has neither `<|im_end|>` nor an end-of-text token, or its own template
            cannot write a question and its answer.
    """
    if tokenizer.chat_template is not None:
        _try_template(tokenizer)
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
        if last is not None and last in tokenizer.added_tokens_decoder and last not in ids:
            ids.insert(0, last)
    return ids


def template_warning(tokenizer: PreTrainedTokenizerBase) -> str | None:
    """A warning about what a chat template does not teach a model; None if it teaches all.

    Args:
        tokenizer: with a chat template that can be used.
    """
    if _last_assistant_token(tokenizer) in end_of_turn_ids(tokenizer):
        return None
    return (
        f"the chat template of {tokenizer.name_or_path} puts no end-of-turn token among what the "
        "assistant writes, so the model does not learn where its answers end; let the template "
        "write one after the assistant's content, inside {% generation %} where it has that"
    )


def _try_template(tokenizer: PreTrainedTokenizerBase) -> None:
    """Write a question and its answer, and look for both in the text.

    Raises:
        UserError: one of them is missing, the template refuses them, or it marks what the user
            says as the assistant's.
    """
    name = tokenizer.name_or_path
    rendered = render_conversation(tokenizer, _probe(tokenizer))
    answers = rendered.answers
    if _QUESTION not in rendered.text or _ANSWER not in answers:
        lost = "the answer" if _QUESTION in rendered.text else "the question"
        raise UserError(
            f"{name}: the chat template does not write {lost} of a conversation with content "
            f"as plain text: {rendered.text!r:.200}; use a template that does",
            reason="InvalidChatTemplate",
        )
    followed = _probe(tokenizer)
    followed.messages.append(Message(role="user", content=_NEXT_QUESTION))
    if marks_answers(tokenizer, followed):
        answers += render_conversation(tokenizer, followed).answers
    if _QUESTION in answers or _NEXT_QUESTION in answers:
        raise UserError(
            f"{name}: the chat template marks what the user says as the assistant's, so the model "
            "would learn to ask; put {% generation %} and {% endgeneration %} around what the "
            "assistant says alone",
            reason="InvalidChatTemplate",
        )


def _last_assistant_token(tokenizer: PreTrainedTokenizerBase) -> int | None:
    """The last token of an answer that counts; None where none does."""
    encoded = ChatEncoder(tokenizer).encode([_probe(tokenizer)])[0]
    counted = encoded.tokens[encoded.counts].tolist()
    return int(counted[-1]) if counted else None


def _probe(tokenizer: PreTrainedTokenizerBase) -> Conversation:
    return Conversation(
        [Message(role="user", content=_QUESTION), Message(role="assistant", content=_ANSWER)],
        place=f"{tokenizer.name_or_path}: a question and its answer",
    )
