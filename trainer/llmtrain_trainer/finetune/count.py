"""Counts the tokens of fine-tuning as soon as there is a tokenizer.

So the forecast of a job knows how long its fine-tuning takes, and a broken conversation is found
before pretraining has cost anything.
"""

from collections.abc import Iterator, Sequence

from llmtrain_api.spec.finetune import ChatSource
from llmtrain_trainer.conversations.conversation import Conversation
from llmtrain_trainer.conversations.encode import ChatEncoder
from llmtrain_trainer.conversations.template import ensure_chat_template
from llmtrain_trainer.data.readers.rows import BadRows
from llmtrain_trainer.finetune.sources.registry import conversation_sources, in_batches
from llmtrain_trainer.models.tokenizer import load_tokenizer
from llmtrain_trainer.stage import StageContext

_ONE_OF = 8


def count_tokens(context: StageContext) -> int:
    """Positions of the training sequences in one epoch, about.

    All conversations are read, and one of eight is encoded; a chat template that the tokenizer
    brings is tried on all of them. Packing leaves a few positions empty, which are not known
    before it is done.

    Raises:
        UserError: a conversation is broken, or the chat template refuses it.
        Interrupted: a stop was requested.
    """
    finetune = context.config.finetune
    assert finetune is not None, "counted for jobs with the section"
    tokenizer = load_tokenizer(context.workspace.tokenizer)
    brings_template = tokenizer.chat_template is not None
    ensure_chat_template(tokenizer)
    encoder = ChatEncoder(tokenizer)
    length, total = finetune.sequence_length, 0
    for some in _batches(finetune.data.sources, context):
        sample = encoder.encode(some[::_ONE_OF])
        lengths = [len(each.tokens) if finetune.packing else length for each in sample]
        total += sum(min(each, length) for each in lengths) * len(some) // len(sample)
        if brings_template:
            encoder.try_template(some)
    for some in _batches(finetune.data.validation_sources, context):
        if brings_template:
            encoder.try_template(some)
    held_out = 0.0 if finetune.data.validation_sources else finetune.data.validation_fraction
    return round(total * (1 - held_out))


def _batches(sections: Sequence[ChatSource], context: StageContext) -> Iterator[list[Conversation]]:
    sources = conversation_sources(sections, context)
    read = (source.conversations(BadRows(source.max_bad_rows)) for source in sources)
    return in_batches(read, context, "counting conversations")
