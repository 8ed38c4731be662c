"""The service's series for Prometheus. Names of callers are bounded, so the number of series is too."""

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

disable_created_metrics()  # type: ignore[no-untyped-call]  # a second series for each that nothing here asks for


class Telemetry:
    """Counters of one service."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)  # resident memory and CPU of the whole
        counter = partial(Counter, namespace="factory", registry=self._registry)
        gauge = partial(Gauge, namespace="factory", registry=self._registry)
        seconds = partial(Histogram, namespace="factory", registry=self._registry, buckets=BUCKETS)
        # finding a series by its labels takes longer than counting, and every request asks for these
        self.requests = cache(counter("requests", "Requests answered", ["caller", "route", "status"]).labels)
        self.seconds = cache(seconds("request_seconds", "From header to answer", ["caller"]).labels)
        self.rows = cache(counter("rows", "Rows scored", ["caller", "model", "role"]).labels)
        self.body_bytes = cache(counter("body_bytes", "Memory that bodies took", ["caller"]).labels)
        self.cpu = cache(counter("cpu_seconds", "CPU time of scoring", ["caller"]).labels)
        self.in_flight = gauge("in_flight", "Requests at work or waiting")
        self.model = gauge("model", "1 for each model that serves", ["role", "model", "commit", "data"])
        self.loads = counter("model_loads", "Models taken into service, or refused", ["role", "outcome"])
        self.failures = counter("challenger_failures", "Calls that the champion answered in its place")
        self.captured = counter("captured_rows", "Rows written to the capture")
        self.lost = counter("capture_lost_rows", "Rows that could not be captured", ["reason"])

    def exposition(self) -> bytes:
        """All series in Prometheus' text format."""
        return generate_latest(self._registry)
