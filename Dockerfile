# One image for all services; the command says which: see deploy/k8s/base.
FROM python:3.11-slim AS build
WORKDIR /privity
COPY requirements.lock ./
COPY shared shared
COPY services services
RUN python -m venv .venv \
 && .venv/bin/python -m pip install -q --require-hashes -r requirements.lock \
 && .venv/bin/python -m pip install -q --no-deps --no-build-isolation -e shared \
      -e services/gateway -e services/matters -e services/messaging -e services/sla-monitor \
      -e services/billing -e services/audit -e services/intake

FROM python:3.11-slim
COPY --from=build /privity /privity
ENV PATH=/privity/.venv/bin:$PATH PYTHONUNBUFFERED=1
USER 10001
WORKDIR /privity
