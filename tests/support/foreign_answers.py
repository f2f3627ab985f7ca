"""Answers that anybody may give to a request of the operator: right ones, wrong ones, and noise."""

import gzip
import json
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy
from support.answering_server import Answer

_NUMBERS = st.sampled_from([0, -1, 2, 75, 137, 2**31, 10**30, 1e300, -1.5])
_JSON = st.recursive(
    st.none() | st.booleans() | _NUMBERS | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["metadata", "items", "status", "x"]), inner, max_size=3)
    ),
    max_leaves=6,
)
_STATES = st.sampled_from(["PENDING", "RUNNING", "SUCCEEDED", "FAILED", "STOPPED", "PAUSED", ""])
_DETAILS = st.fixed_dictionaries(
    {"status": _STATES | _JSON},
    optional={
        "driver_exit_code": _NUMBERS | _JSON,
        "driver_node_id": st.text(max_size=4) | _JSON,
        "message": st.text(max_size=20) | _JSON,
    },
)
_OLD = st.sampled_from([0, 1, 1e9])
_REPORTS = st.fixed_dictionaries(
    {
        "jobUid": st.just("uid-job"),
        "stage": st.just("data"),
        "attempt": st.integers(0, 2),
        "percent": st.sampled_from([0, 50, 100, 101]),
        "activity": st.text(max_size=600),
        "heartbeat": _OLD,
        "time": st.just(1e10),
    },
    optional={
        "step": _NUMBERS,
        "etaSeconds": _NUMBERS,
        "startTime": _OLD,
        "work": st.dictionaries(st.sampled_from(["productive", "uncommitted"]), _NUMBERS),
    },
)
_OUTCOMES = st.fixed_dictionaries(
    {"reason": st.text(max_size=200), "message": st.text(max_size=20)},
    optional={"work": _JSON, "countedTokens": _JSON, "new": _JSON},
).map(lambda outcome: b"llmtrain-outcome: " + json.dumps(outcome).encode())
_DEEP = st.sampled_from([b"[" * 100_000, b'{"status":' * 50_000])
_BODIES = st.one_of(
    _JSON.map(lambda value: json.dumps(value).encode()),
    _DETAILS.map(lambda value: json.dumps(value).encode()),
    _REPORTS.map(lambda value: json.dumps(value).encode()),
    _OUTCOMES,
    _DEEP,
    st.binary(max_size=40),
)
_STATUSES = st.sampled_from([200, 200, 200, 200, 201, 204, 304, 307, 400, 403, 404, 409, 500, 503])
_HEADERS = st.sampled_from(
    [
        {"Content-Type": "application/json"},
        {"Content-Type": "text/html; charset=none"},
        {"Location": "http://internal.svc/"},
        {"Content-Encoding": "gzip"},
        {"Content-Length": "5"},
        {"Transfer-Encoding": "chunked"},
        {"Set-Cookie": "a=b", "X": "y" * 9000},
    ]
)


def foreign_answers() -> SearchStrategy[Answer]:
    """Answers of Ray heads, drivers and API servers, right and wrong."""
    return st.builds(_answer, _STATUSES, _BODIES, _HEADERS, st.booleans())


def _answer(status: int, body: bytes, headers: dict[str, str], packed: Any) -> Answer:
    is_packed = packed and "Content-Encoding" in headers
    return Answer(status, gzip.compress(body) if is_packed else body, headers)
