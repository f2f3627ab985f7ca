"""How many tokens, and how many optimizer steps."""


def count_steps(tokens: int, batch_tokens: int) -> int:
    """Optimizer steps until at least so many tokens were trained on."""
    return -(-tokens // batch_tokens)
