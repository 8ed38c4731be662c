"""The service's Prometheus metrics. The number of callers' names is limited, and so the number of series."""

from functools import cache, partial

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)

BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)  # seconds

disable_created_metrics()  # type: ignore[no-untyped-call]  # they would double the number of series


class Telemetry:
    """The metrics of one service."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)  # resident memory and CPU of the process
        counter = partial(Counter, namespace="factory", registry=self._registry)
        gauge = partial(Gauge, namespace="factory", registry=self._registry)
        seconds = partial(Histogram, namespace="factory", registry=self._registry, buckets=BUCKETS)
        # looking a series up by its labels takes longer than counting, and every request needs these
        self.requests = cache(counter("requests", "Requests answered", ["caller", "route", "status"]).labels)
        self.seconds = cache(seconds("request_seconds", "Seconds from header to response", ["caller"]).labels)
        self.rows = cache(counter("rows", "Rows scored", ["caller", "model", "role"]).labels)
        self.unseen = counter("unseen_categories", "Values that are none of the contract's categories", ["column"])
        self.refused = counter("refused_values", "Values that violate the contract", ["column"])
        self.body_bytes = cache(counter("body_bytes", "Bytes of request bodies", ["caller"]).labels)
        self.cpu = cache(counter("cpu_seconds", "CPU seconds spent scoring", ["caller"]).labels)
        self.in_flight = gauge("in_flight", "Requests being processed or waiting")
        self.connections = gauge("connections", "Open connections")
        self.closed = counter("connections_closed", "Connections refused, or closed to make room", ["reason"])
        self.lost_lines = counter("access_log_lost_lines", "Lines of the access log that nobody read in time")
        self.lost_records = counter("log_lost_lines", "Lines of the log that nobody read in time")
        self.model = gauge("model", "1 for each model in service", ["role", "model", "commit", "data"])
        self.loads = counter("model_loads", "Models loaded or rejected", ["role", "outcome"])
        self.workers = gauge("workers", "Worker processes", ["role", "state"])
        self.restarts = counter("worker_restarts", "Worker processes that ended and were replaced", ["role", "reason"])
        self.failures = counter("challenger_failures", "Requests answered by the champion since the challenger failed")
        self.captured = counter("captured_rows", "Rows written to the capture")
        self.lost = counter("capture_lost_rows", "Rows lost instead of captured", ["reason"])

    def exposition(self) -> bytes:
        """All series in Prometheus' text format."""
        return generate_latest(self._registry)
