"""The charset that an HTML page declares."""

import codecs
import re

_BYTE_ORDER_MARKS = {
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF16_LE: "utf-16-le",
    codecs.BOM_UTF16_BE: "utf-16-be",
}
_DECLARED_WITHIN_BYTES = 1024
"""Browsers look no further."""
_DECLARATION = re.compile(
    rb"<meta\s[^>]*?charset\s*=\s*[\"']?\s*([\w:.+-]+)"
    rb"|\A\s*<\?xml[^>]*?\sencoding\s*=\s*[\"']([\w:.+-]+)",
    re.IGNORECASE,
)


def decode_page(data: bytes) -> str:
    """A page as text: by its byte order mark, the charset that it declares, or as UTF-8.

    Raises:
        UnicodeDecodeError: it is not what it declares.
    """
    for mark, charset in _BYTE_ORDER_MARKS.items():
        if data.startswith(mark):
            return data[len(mark) :].decode(charset)
    return data.decode(_declared(data[:_DECLARED_WITHIN_BYTES]))


def _declared(start: bytes) -> str:
    from resiliparse.parse.encoding import map_encoding_to_html5

    found = _DECLARATION.search(start)
    if found is None:
        return "utf-8"
    name = (found[1] or found[2]).decode("ascii")
    charset: str = map_encoding_to_html5(name) or "utf-8"
    # A declaration that can be read as ASCII does not stand in UTF-16.
    return "utf-8" if charset.startswith("utf-16") else charset
