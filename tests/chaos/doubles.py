"""What was said twice in Slack, and why: a crash or a cut between Slack's yes and our commit explains it."""

from __future__ import annotations

import itertools
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from playground.slack import Channel, Message
from tests.chaos.accounts import slugs_of
from tests.chaos.stage import Stage

OPEN_FOR = timedelta(seconds=3)
"""How long after Slack's yes the commit may follow on a busy machine."""
UNHEARD = "Slack's yes was cut off"


@dataclass(frozen=True, slots=True)
class Double:
    """A message whose like came ``again`` later."""

    channel: str
    at: datetime
    again: datetime
    text: str
    why: str | None


class Doubles:
    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._unheard: defaultdict[str, list[datetime]] = defaultdict(list)
        for entry in stage.slack.journal.named("chat.postMessage"):
            if entry.response.get("cut"):
                self._unheard[str(entry.request.get("channel"))].append(entry.at)
        self._all = list(self._find())

    def problems(self) -> list[str]:
        """What was said twice without a reason, a sentence each."""
        return [
            f"said twice without a reason in #{double.channel}, at {double.at:%H:%M:%S.%f} and at "
            f"{double.again:%H:%M:%S.%f}: {double.text}"
            for double in self._all
            if double.why is None
        ]

    def counts(self) -> Counter[str]:
        return Counter(double.why or "without a reason" for double in self._all)

    def _find(self) -> Iterable[Double]:
        """Every message but the last of those that say the same: cards, announcements, lines, explanations."""
        for channel in self._stage.channels:
            for alike in self._alike(channel):
                for each, like in itertools.pairwise(alike):
                    yield Double(channel.name, said_at(each), said_at(like), each.text, self._why(each))

    def _alike(self, channel: Channel) -> Iterable[list[Message]]:
        """A card is known by its build; what stands under it by the build and its first words."""
        build_of: dict[str, str] = {}
        groups: defaultdict[tuple[str, str], list[Message]] = defaultdict(list)
        for message in self._stage.slack.messages(channel):
            if message.thread_ts in (None, message.ts):
                build_of[message.ts] = slug = ",".join(sorted(slugs_of(message)))
                groups[slug or message.text, ""].append(message)
            else:
                groups[build_of.get(message.thread_ts or "", ""), message.text[:12]].append(message)
        return groups.values()

    def _why(self, first: Message) -> str | None:
        at = said_at(first)
        if any(abs(at - cut_at) < OPEN_FOR for cut_at in self._unheard[first.channel.id]):
            return UNHEARD
        covering = [each for each in self._stage.incidents if each.covers(at, within=OPEN_FOR)]
        return covering[0].what if covering else None


def said_at(message: Message) -> datetime:
    return datetime.fromtimestamp(float(message.ts), UTC)
