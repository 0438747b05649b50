"""Traces and logs. Attribute names are defined here only; logs are JSON, carry the trace id and
hold nothing personal or privileged."""

import logging
from uuid import UUID

import structlog
from fastapi.telemetry import TelemetryConfig
from opentelemetry import context, propagate, trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.exporter.zipkin.json import ZipkinExporter
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased

from shared.settings import ProcessSettings

EVENT_TYPE = "privity.event.type"
EVENT_ID = "privity.event.id"
EVENT_SUBJECT = "privity.event.subject"
MESSAGE_ID = "privity.message.id"
LOG_INDEX = "privity.record.index"
PEER_SERVICE = "peer.service"


def tracer() -> trace.Tracer:
    return trace.get_tracer("privity")


def event_attributes(type_name: str, event_id: UUID, subject: str) -> dict[str, str]:
    return {
        EVENT_TYPE: type_name,
        EVENT_ID: str(event_id),
        EVENT_SUBJECT: subject,
        PEER_SERVICE: "kafka",
    }


def parent(traceparent: str | None, tracestate: str | None) -> context.Context:
    """The context in which a fact was recorded, as the parent of what is done because of it."""
    carrier = {"traceparent": traceparent or "", "tracestate": tracestate or ""}
    return propagate.extract({name: value for name, value in carrier.items() if value})


def trace_id() -> str | None:
    """The current trace as 32 hex digits; None when nothing is traced."""
    current = trace.get_current_span().get_span_context()
    return format(current.trace_id, "032x") if current.is_valid else None


def tracer_provider(settings: ProcessSettings) -> TracerProvider:
    """Spans to the local Zipkin or to an OTLP collector; without either they are dropped."""
    provider = TracerProvider(
        resource=Resource.create({SERVICE_NAME: settings.service}),
        sampler=ParentBased(TraceIdRatioBased(settings.otel_traces_sampler_arg)),
    )
    if exporter := _exporter(settings):
        provider.add_span_processor(BatchSpanProcessor(exporter, schedule_delay_millis=500))
    return provider


def _exporter(settings: ProcessSettings) -> SpanExporter | None:
    if settings.otel_exporter_otlp_endpoint:
        return OTLPSpanExporter(f"{settings.otel_exporter_otlp_endpoint.rstrip('/')}/v1/traces")
    if settings.otel_exporter_zipkin_endpoint:
        return ZipkinExporter(endpoint=settings.otel_exporter_zipkin_endpoint)
    return None


def configure_logging(settings: ProcessSettings) -> None:
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _add_trace_id,
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(
            logging.getLevelNamesMapping()[settings.log_level]
        ),
    )
    structlog.contextvars.bind_contextvars(service=settings.service)


def _add_trace_id(
    logger: object, method: str, entry: structlog.typing.EventDict
) -> structlog.typing.EventDict:
    if current := trace_id():
        entry["trace_id"] = current
    return entry


def http_telemetry(provider: TracerProvider) -> TelemetryConfig:
    """FastAPI's own spans for requests: one each, none for health, and no logs of what was sent."""
    return {
        "tracer_provider": provider,
        "operation_spans": False,
        "metrics": False,
        "logs": False,
        "exclude": lambda scope: scope["path"] in ("/healthz", "/readyz"),
    }
