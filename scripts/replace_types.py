"""A plugin of mypy: `Record.replace` takes the fields of the record's class, with their types."""

from collections.abc import Callable

from mypy.nodes import ARG_NAMED, ARG_NAMED_OPT, TypeInfo
from mypy.plugin import MethodSigContext, Plugin
from mypy.types import CallableType, FunctionLike, Instance, get_proper_type

_RECORD = "llmtrain_api.base.Record"


def plugin(_version: str) -> type[Plugin]:
    """The entry point that mypy looks for."""
    return _ReplaceTypes


class _ReplaceTypes(Plugin):
    def get_method_signature_hook(
        self, fullname: str
    ) -> Callable[[MethodSigContext], FunctionLike] | None:
        owner, _, method = fullname.rpartition(".")
        if method != "replace":
            return None
        symbol = self.lookup_fully_qualified(owner)
        is_record = (
            symbol is not None
            and isinstance(symbol.node, TypeInfo)
            and symbol.node.has_base(_RECORD)
        )
        return _signature if is_record else None


def _signature(ctx: MethodSigContext) -> FunctionLike:
    """The parameters that pydantic's plugin gave to the constructor, none of them required."""
    init = ctx.type.type.get_method("__init__") if isinstance(ctx.type, Instance) else None
    constructor = get_proper_type(init.type) if init else None
    if not isinstance(constructor, CallableType):
        ctx.api.fail("The fields of this record are not known", ctx.context)
        return ctx.default_signature
    fields = [
        (name, field_type)
        for name, kind, field_type in zip(
            constructor.arg_names, constructor.arg_kinds, constructor.arg_types, strict=True
        )
        if kind in {ARG_NAMED, ARG_NAMED_OPT}
    ]
    return ctx.default_signature.copy_modified(
        arg_names=[name for name, _ in fields],
        arg_types=[field_type for _, field_type in fields],
        arg_kinds=[ARG_NAMED_OPT for _ in fields],
    )
