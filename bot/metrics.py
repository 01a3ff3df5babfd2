"""Metrics for Prometheus at /metrics: the one list of their names."""

from __future__ import annotations

from dataclasses import dataclass

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest


@dataclass(frozen=True, slots=True)
class RequestMetrics:
    """Counters and the duration of one kind of request from Slack."""

    answered: Counter
    failed: Counter
    seconds: Histogram


class Metrics:
    """One registry for each bot, so that two in one process (as in tests) don't add up."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "buildbell_slack_requests_total",
            "Requests from Slack: commands, actions, forms, events.",
            ["kind", "result"],
            registry=self.registry,
        )
        self.ack_seconds = Histogram(
            "buildbell_slack_ack_seconds",
            "Time from receiving a request of Slack to its acknowledgement.",
            ["kind"],
            buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 0.5, 1, 2, 3),
            registry=self.registry,
        )
        self.outbox_waiting = Gauge(
            "buildbell_outbox_waiting", "Messages to Slack that are not sent yet.", registry=self.registry
        )
        self.requests_open = Gauge(
            "buildbell_requests_open", "Starts and stops that Bitrise has not confirmed yet.", registry=self.registry
        )
        self.builds = BuildMetrics(self.registry)
        self.by_kind = MetricsByKind(self)
        self.jobs = Gauge("buildbell_jobs", "Jobs by state.", ["state"], registry=self.registry)

    def exposition(self) -> bytes:
        """Return all metrics in the text format of Prometheus."""
        return generate_latest(self.registry)


class MetricsByKind(dict[str, RequestMetrics]):
    """The metrics of each kind of request, looked up by label once."""

    def __init__(self, metrics: Metrics) -> None:
        super().__init__()
        self._metrics = metrics

    def __missing__(self, kind: str) -> RequestMetrics:
        answered, failed = (self._metrics.requests.labels(kind, result) for result in ("answered", "broken"))
        self[kind] = RequestMetrics(answered, failed, self._metrics.ack_seconds.labels(kind))
        return self[kind]


class BuildMetrics:
    """Builds finished in the last 24 hours: gauges over stored rows, so that a restart or an import changes nothing.

    They are set only if the operator has turned them on.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self.finished = Gauge(
            "buildbell_builds_last_day",
            "Builds finished in the last 24 hours, by result and stop reason.",
            ["workspace", "outcome", "reason"],
            registry=registry,
        )
        self.run_seconds = Gauge(
            "buildbell_build_run_seconds_last_day",
            "Duration of builds that succeeded in the last 24 hours: median and p90.",
            ["workspace", "quantile"],
            registry=registry,
        )
        self.queue_seconds = Gauge(
            "buildbell_build_queue_seconds_last_day",
            "Queue time of builds finished in the last 24 hours: median and p90.",
            ["workspace", "quantile"],
            registry=registry,
        )

    def clear(self) -> None:
        for gauge in (self.finished, self.run_seconds, self.queue_seconds):
            gauge.clear()
