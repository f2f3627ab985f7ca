# The operator's image.
#   make images BASE=python:3.11.14-slim-bookworm@sha256:...
# The base image's digest is given by whoever builds: the tag alone may be another image tomorrow.
ARG BASE

FROM $BASE AS build
ARG BASE
RUN case "$BASE" in *@sha256:*) ;; *) echo "BASE=$BASE has no digest: name it as python:3.11.14-slim-bookworm@sha256:..." >&2; exit 1;; esac
WORKDIR /src
COPY requirements-build.lock ./
RUN pip install --no-cache-dir --require-hashes --requirement requirements-build.lock
COPY requirements-operator.lock ./
RUN uv venv /opt/llmtrain/venv \
 && VIRTUAL_ENV=/opt/llmtrain/venv uv pip sync --no-cache --require-hashes --compile-bytecode requirements-operator.lock
COPY pyproject.toml README.md LICENSE ./
COPY operator operator
COPY trainer trainer
RUN pip wheel --no-cache-dir --no-deps --no-build-isolation --wheel-dir /wheels . \
 && VIRTUAL_ENV=/opt/llmtrain/venv uv pip install --no-cache --no-deps --compile-bytecode /wheels/*.whl

FROM $BASE
# After a burst of jobs Python and glibc keep what they needed for it; jemalloc gives it back.
RUN apt-get update \
 && apt-get install --yes --no-install-recommends libjemalloc2 \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --uid 1000 --create-home llmtrain
COPY --from=build /opt/llmtrain/venv /opt/llmtrain/venv
ENV PATH=/opt/llmtrain/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONSAFEPATH=1
ENV LD_PRELOAD=libjemalloc.so.2 MALLOC_CONF=background_thread:true PYTHONMALLOC=malloc
USER 1000:1000
WORKDIR /home/llmtrain
ENTRYPOINT ["python", "-m", "llmtrain_operator"]
