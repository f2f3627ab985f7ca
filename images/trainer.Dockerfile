# The trainer's image: head and workers of every Ray cluster.
#   docker build --file images/trainer.Dockerfile --tag llmtrain-trainer .
FROM python:3.11.14-slim-bookworm AS build
WORKDIR /src
RUN pip install --no-cache-dir uv==0.13.9
COPY requirements.lock ./
RUN uv venv /opt/llmtrain/venv \
 && VIRTUAL_ENV=/opt/llmtrain/venv uv pip sync --no-cache --require-hashes --compile-bytecode requirements.lock
COPY pyproject.toml README.md LICENSE ./
COPY operator operator
COPY trainer trainer
RUN VIRTUAL_ENV=/opt/llmtrain/venv uv pip install --no-cache --no-deps --compile-bytecode .

FROM python:3.11.14-slim-bookworm
# wget is what KubeRay's probes ask Ray with; g++ is for torch.compile.
RUN apt-get update \
 && apt-get install --yes --no-install-recommends g++ wget \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --uid 1000 --create-home llmtrain
COPY --from=build /opt/llmtrain/venv /opt/llmtrain/venv
ENV PATH=/opt/llmtrain/venv/bin:$PATH PYTHONUNBUFFERED=1
USER 1000:1000
WORKDIR /home/llmtrain
