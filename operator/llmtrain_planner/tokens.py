"""How many tokens, and how many optimizer steps."""

from decimal import Decimal


def resolve_tokens(tokens: int | str, parameters: int) -> int:
    """Tokens to train on.

    Args:
        tokens: a number, or a multiple of the parameter count: `20x` is where loss falls most for
            the compute spent (Hoffmann et al. 2022, "Chinchilla", table 3).
        parameters: the model's.
    """
    if isinstance(tokens, int):
        return tokens
    return int(Decimal(tokens.removesuffix("x")) * parameters)  # exact: 0.1 has no binary fraction


def count_steps(tokens: int, batch_tokens: int) -> int:
    """Optimizer steps until at least so many tokens were trained on."""
    return -(-tokens // batch_tokens)
