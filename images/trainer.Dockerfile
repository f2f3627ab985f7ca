# The trainer's image: head and workers of every Ray cluster.
#   make images BASE=python:3.11.14-slim-bookworm@sha256:...
# The base image's digest is given by whoever builds: the tag alone may be another image tomorrow.
ARG BASE

FROM $BASE AS build
ARG BASE
RUN case "$BASE" in *@sha256:*) ;; *) echo "BASE=$BASE has no digest: name it as python:3.11.14-slim-bookworm@sha256:..." >&2; exit 1;; esac
WORKDIR /src
COPY requirements-build.lock ./
RUN pip install --no-cache-dir --require-hashes --requirement requirements-build.lock
COPY requirements.lock ./
RUN uv venv /opt/llmtrain/venv \
 && VIRTUAL_ENV=/opt/llmtrain/venv uv pip sync --no-cache --require-hashes --compile-bytecode requirements.lock
COPY pyproject.toml README.md LICENSE ./
COPY operator operator
COPY trainer trainer
RUN pip wheel --no-cache-dir --no-deps --no-build-isolation --wheel-dir /wheels . \
 && VIRTUAL_ENV=/opt/llmtrain/venv uv pip install --no-cache --no-deps --compile-bytecode /wheels/*.whl

FROM $BASE
# wget is what KubeRay's probes ask Ray with; g++ is for torch.compile; wordnet-base has the synonyms of data.augment.
RUN apt-get update \
 && apt-get install --yes --no-install-recommends g++ wget wordnet-base \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --uid 1000 --create-home llmtrain
COPY --from=build /opt/llmtrain/venv /opt/llmtrain/venv
ENV PATH=/opt/llmtrain/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONSAFEPATH=1
USER 1000:1000
WORKDIR /home/llmtrain
