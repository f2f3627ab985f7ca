# The operator's image.
#   docker build --file images/operator.Dockerfile --tag llmtrain-operator .
FROM python:3.11.14-slim-bookworm AS build
WORKDIR /src
RUN pip install --no-cache-dir uv==0.13.9
COPY requirements-operator.lock ./
RUN uv venv /opt/llmtrain/venv \
 && VIRTUAL_ENV=/opt/llmtrain/venv uv pip sync --no-cache --require-hashes --compile-bytecode requirements-operator.lock
COPY pyproject.toml README.md LICENSE ./
COPY operator operator
COPY trainer trainer
RUN VIRTUAL_ENV=/opt/llmtrain/venv uv pip install --no-cache --no-deps --compile-bytecode .

FROM python:3.11.14-slim-bookworm
# After a burst of jobs Python and glibc keep what they needed for it; jemalloc gives it back.
RUN apt-get update \
 && apt-get install --yes --no-install-recommends libjemalloc2 \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --uid 1000 --create-home llmtrain
COPY --from=build /opt/llmtrain/venv /opt/llmtrain/venv
ENV PATH=/opt/llmtrain/venv/bin:$PATH PYTHONUNBUFFERED=1
ENV LD_PRELOAD=libjemalloc.so.2 MALLOC_CONF=background_thread:true PYTHONMALLOC=malloc
USER 1000:1000
WORKDIR /home/llmtrain
ENTRYPOINT ["python", "-m", "llmtrain_operator"]
