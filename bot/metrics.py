"""What is counted, for Prometheus at /metrics. Every name is here, once."""

from __future__ import annotations

from dataclasses import dataclass

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest


@dataclass(frozen=True, slots=True)
class Delivery:
    """Of one kind: those that were answered, those that broke, and how long they took."""

    answered: Counter
    broken: Counter
    seconds: Histogram


class Metrics:
    """One registry for each bot, so that two in one process (as in tests) do not add up."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "buildbell_slack_requests_total",
            "What Slack delivered: commands, presses, forms, events.",
            ["kind", "result"],
            registry=self.registry,
        )
        self.ack_seconds = Histogram(
            "buildbell_slack_ack_seconds",
            "From Slack's delivery to our acknowledgement.",
            ["kind"],
            buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 0.5, 1, 2, 3),
            registry=self.registry,
        )
        self.outbox_waiting = Gauge(
            "buildbell_outbox_waiting", "Messages to Slack that are still to be sent.", registry=self.registry
        )
        self.requests_open = Gauge(
            "buildbell_requests_open", "Starts and stops that Bitrise has not answered yet.", registry=self.registry
        )
        self.builds = BuildMetrics(self.registry)
        self._deliveries: dict[str, Delivery] = {}
        self.jobs = Gauge("buildbell_jobs", "Jobs by state.", ["state"], registry=self.registry)

    def delivery(self, kind: str) -> Delivery:
        """What is counted of deliveries of a kind; looked up by label once, not at each of them."""
        found = self._deliveries.get(kind)
        if found is None:
            answered, broken = self.requests.labels(kind, "answered"), self.requests.labels(kind, "broken")
            found = self._deliveries[kind] = Delivery(answered, broken, self.ack_seconds.labels(kind))
        return found

    def exposition(self) -> bytes:
        """The text format of Prometheus."""
        return generate_latest(self.registry)


class BuildMetrics:
    """What ended in the last 24 hours: gauges over stored rows, so that a restart or an import changes nothing.

    They are filled only when an operator has turned them on.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self.ended = Gauge(
            "buildbell_builds_last_day",
            "Builds that ended in the last 24 hours, by outcome and by the reason of a stop.",
            ["workspace", "outcome", "reason"],
            registry=registry,
        )
        self.run_seconds = Gauge(
            "buildbell_build_run_seconds_last_day",
            "How long the successes of the last 24 hours ran: median and 90th percentile.",
            ["workspace", "quantile"],
            registry=registry,
        )
        self.queue_seconds = Gauge(
            "buildbell_build_queue_seconds_last_day",
            "How long the builds that ended in the last 24 hours had waited for a machine.",
            ["workspace", "quantile"],
            registry=registry,
        )

    def clear(self) -> None:
        for gauge in (self.ended, self.run_seconds, self.queue_seconds):
            gauge.clear()
