"""How conversations are written as tokens, and which of these the assistant wrote."""

import pytest
from support.tiny_model import tiny_tokenizer
from transformers import PreTrainedTokenizerFast

from llmtrain_trainer.conversations.conversation import Conversation, Message
from llmtrain_trainer.conversations.encode import ChatEncoder, Encoded
from llmtrain_trainer.conversations.template import (
    end_of_turn_ids,
    ensure_chat_template,
    template_warning,
)
from llmtrain_trainer.errors import UserError

OWN_TEMPLATE = (
    "{% for m in messages %}[{{ m.role }}] {{ m.content }}</s>\n{% endfor %}"
    "{% if add_generation_prompt %}[assistant] {% endif %}"
)
MESSAGES = [
    Message(role="system", content="Be brief."),
    Message(role="user", content="Hi 👍"),
    Message(role="assistant", content=" Yes 👍"),
    Message(role="user", content="Why?"),
    Message(role="assistant", content="No\nreason 👩‍🚀"),
]


def chatml_tokenizer() -> PreTrainedTokenizerFast:
    tokenizer = tiny_tokenizer()
    ensure_chat_template(tokenizer)
    return tokenizer


def encode(tokenizer: PreTrainedTokenizerFast, messages: list[Message]) -> Encoded:
    return ChatEncoder(tokenizer).encode([Conversation(messages, "chats.jsonl: line 3")])[0]


def counted_text(tokenizer: PreTrainedTokenizerFast, messages: list[Message]) -> str:
    encoded = encode(tokenizer, messages)
    return str(tokenizer.decode(encoded.tokens[encoded.counts]))


def test_a_conversation_is_written_as_chatml() -> None:
    tokenizer = chatml_tokenizer()
    assert tokenizer.decode(encode(tokenizer, MESSAGES[:3]).tokens) == (
        "<|im_start|>system\nBe brief.<|im_end|>\n"
        "<|im_start|>user\nHi 👍<|im_end|>\n"
        "<|im_start|>assistant\n Yes 👍<|im_end|>\n"
    )


def test_the_prompt_for_an_answer_is_the_beginning_of_the_conversation() -> None:
    tokenizer = chatml_tokenizer()
    prompt = tokenizer.apply_chat_template(
        MESSAGES[:2], add_generation_prompt=True, return_dict=False
    )
    assert encode(tokenizer, MESSAGES[:3]).tokens[: len(prompt)].tolist() == prompt


def test_only_the_assistants_text_and_the_ends_of_its_turns_count() -> None:
    tokenizer = chatml_tokenizer()
    assert counted_text(tokenizer, MESSAGES) == " Yes 👍<|im_end|>No\nreason 👩‍🚀<|im_end|>"


def test_by_hand_every_token_of_a_short_conversation() -> None:
    tokenizer = chatml_tokenizer()
    encoded = encode(
        tokenizer, [Message(role="user", content="q"), Message(role="assistant", content="z")]
    )
    pieces = tokenizer.convert_ids_to_tokens(encoded.tokens)
    counted = [piece for piece, counts in zip(pieces, encoded.counts, strict=True) if counts]
    assert counted == ["z", "<|im_end|>"]
    assert pieces[-3:] == ["z", "<|im_end|>", "Ċ"]


@pytest.mark.parametrize("template", [None, OWN_TEMPLATE])
def test_the_tokens_are_those_of_apply_chat_template(template: str | None) -> None:
    tokenizer = tiny_tokenizer()
    tokenizer.chat_template = template
    ensure_chat_template(tokenizer)
    for messages in (MESSAGES, MESSAGES[1:3], MESSAGES[:3]):
        expected = tokenizer.apply_chat_template(messages, return_dict=False)
        assert encode(tokenizer, messages).tokens.tolist() == expected


def test_a_tokenizer_keeps_the_template_it_brings() -> None:
    tokenizer = tiny_tokenizer()
    tokenizer.chat_template = OWN_TEMPLATE
    ensure_chat_template(tokenizer)
    assert tokenizer.chat_template == OWN_TEMPLATE
    # This template does not mark the assistant's part, so it is found by comparison.
    assert counted_text(tokenizer, MESSAGES) == " Yes 👍</s>No\nreason 👩‍🚀</s>"


def test_without_chatml_tokens_a_turn_ends_with_the_end_of_text() -> None:
    tokenizer = tiny_tokenizer(special_tokens=["</s>"])
    ensure_chat_template(tokenizer)
    assert counted_text(tokenizer, MESSAGES[:3]) == " Yes 👍</s>"
    assert end_of_turn_ids(tokenizer) == [tokenizer.eos_token_id]


def test_generation_stops_at_the_end_of_a_turn_and_of_the_text() -> None:
    tokenizer = chatml_tokenizer()
    assert end_of_turn_ids(tokenizer) == tokenizer.convert_tokens_to_ids(
        ["<|im_end|>", "<|endoftext|>"]
    )


def test_a_tokenizer_that_cannot_end_a_turn_is_refused() -> None:
    tokenizer = tiny_tokenizer(special_tokens=[])
    with pytest.raises(UserError, match="set eos_token"):
        ensure_chat_template(tokenizer)


def test_a_template_that_rewrites_earlier_turns_is_refused() -> None:
    tokenizer = tiny_tokenizer()
    tokenizer.chat_template = (
        "{% for m in messages %}{{ m.role }}{% if loop.last %}!{% endif %}{{ m.content }}"
        "{% endfor %}{% if add_generation_prompt %}assistant!{% endif %}"
    )
    with pytest.raises(UserError, match="generation"):
        encode(tokenizer, MESSAGES)


def test_a_conversation_that_the_template_refuses_is_named() -> None:
    tokenizer = tiny_tokenizer()
    tokenizer.chat_template = (
        "{% if messages[0].role == 'system' %}{{ raise_exception('no system role') }}{% endif %}"
        "{% for m in messages %}{{ m.content }}{% endfor %}"
    )
    with pytest.raises(UserError, match=r"chats\.jsonl: line 3: .*no system role"):
        encode(tokenizer, MESSAGES)


def test_a_conversation_that_the_assistant_begins_is_learned() -> None:
    tokenizer = tiny_tokenizer()
    for template in (None, OWN_TEMPLATE):
        tokenizer.chat_template = template
        ensure_chat_template(tokenizer)
        end = "<|im_end|>" if template is None else "</s>"
        expected = f" Yes 👍{end}No\nreason 👩‍🚀{end}"
        assert counted_text(tokenizer, MESSAGES[2:]) == expected


def test_an_error_in_a_template_is_named_with_the_line() -> None:
    tokenizer = tiny_tokenizer()
    tokenizer.chat_template = "{% for m in messages %}{{ m.content + 1 }}{% endfor %}"
    with pytest.raises(UserError, match=r"chats\.jsonl: line 3: the chat template of .*str.*int"):
        encode(tokenizer, MESSAGES)


@pytest.mark.parametrize(
    ("template", "message"),
    [
        ("{% for m in messages %}", "refuses this conversation: .*endfor"),
        (OWN_TEMPLATE.replace("m.content", "m.content[0].text"), "does not write the question"),
        (OWN_TEMPLATE.replace("{{ m.content", "{{ m.answer"), "does not write the question"),
        (
            "{% for m in messages if m.role == 'user' %}{{ m.content }}{% endfor %}",
            "does not write the answer",
        ),
        (  # marks around all turns
            "{% generation %}{% for m in messages %}{{ m.content }}{% endfor %}{% endgeneration %}",
            "marks what the user says as the assistant's",
        ),
        (  # marks around the last turn, whoever speaks
            (
                "{% for m in messages %}{% if loop.last %}{% generation %}{{ m.content }}"
                "{% endgeneration %}{% else %}{{ m.content }}{% endif %}{% endfor %}"
            ),
            "marks what the user says as the assistant's",
        ),
    ],
)
def test_a_template_that_cannot_write_a_conversation_is_refused_before_any_data(
    template: str, message: str
) -> None:
    tokenizer = tiny_tokenizer()
    tokenizer.chat_template = template
    with pytest.raises(UserError, match=message):
        ensure_chat_template(tokenizer)


@pytest.mark.parametrize("template", [5, {"rag": "x"}])
def test_a_template_of_another_type_is_refused(template: object) -> None:
    tokenizer = tiny_tokenizer()
    tokenizer.chat_template = template
    with pytest.raises(UserError, match=r"no chat template can be used: .*(rag|it must be text)"):
        ensure_chat_template(tokenizer)


def test_a_template_that_does_not_teach_where_answers_end_is_warned_about() -> None:
    tokenizer = tiny_tokenizer()
    tokenizer.chat_template = OWN_TEMPLATE.replace("</s>", "")
    assert "no end-of-turn token" in (template_warning(tokenizer) or "")
    tokenizer.chat_template = OWN_TEMPLATE.replace("</s>", "<|im_end|>")
    assert template_warning(tokenizer) is None
    marked = "{% generation %}{{ m.content }}{% endgeneration %}<|im_end|>"
    tokenizer.chat_template = OWN_TEMPLATE.replace("{{ m.content }}</s>", marked)
    assert "no end-of-turn token" in (template_warning(tokenizer) or "")
    assert template_warning(chatml_tokenizer()) is None
