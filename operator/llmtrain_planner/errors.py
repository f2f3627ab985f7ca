"""What keeps the planner from a plan."""


class PlanError(ValueError):
    """The manifest or an option does not allow a plan.

    The message says which field, what is wrong, and what would be right.
    """
