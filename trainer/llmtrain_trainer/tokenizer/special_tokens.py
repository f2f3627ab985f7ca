"""The tokens that stand for no text."""

END_OF_TEXT = "<|endoftext|>"
PADDING = "<|pad|>"
MESSAGE_START = "<|im_start|>"
MESSAGE_END = "<|im_end|>"

SPECIAL_TOKENS = (END_OF_TEXT, PADDING, MESSAGE_START, MESSAGE_END)
"""In every vocabulary that we learn. The last two are ChatML's: reserved from the start, so that
fine-tuning on conversations needs no new rows in the embedding."""
