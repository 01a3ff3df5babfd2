"""What became of everything, by the practice servers' own records: lost, doubled, told, and why told twice."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from playground.bitrise import Build
from playground.slack import Channel, Message
from tests.chaos.people import Command, People
from tests.chaos.stage import Stage

LINK = re.compile(r"/build/([0-9a-f-]+)")
FINAL = {"success": "Succeeded", "error": "Failed", "aborted": "Aborted", "aborted-with-success": "Skipped"}
OPEN_FOR = timedelta(seconds=3)
"""How long after Slack's yes the commit may follow on a busy machine."""
ANSWERED_WITHIN = timedelta(seconds=10)
"""A longer silence is a cut to the bot."""


@dataclass(frozen=True, slots=True)
class Double:
    """A message whose like came again later."""

    channel: str
    at: datetime
    text: str
    why: str | None


class Accounts:
    def __init__(self, stage: Stage, people: People) -> None:
        self._stage, self._people = stage, people
        self._cuts = [
            (entry.at, str(entry.request.get("channel")))
            for entry in stage.slack.journal.named("chat.postMessage")
            if entry.response.get("cut")
        ]
        self._builds: defaultdict[str, list[Build]] = defaultdict(list)
        for build in stage.bitrise.builds():
            self._builds[build.branch or ""].append(build)

    # Builds and stops.

    def problems(self) -> list[str]:
        """Everything that must not be, a sentence each."""
        return [*self._wrong_starts(), *self._wrong_stops(), *self._untold(), *self._unexplained()]

    def _wrong_starts(self) -> Iterable[str]:
        for command in self._people.asked:
            builds = self._builds[command.branch]
            if len(builds) > 1:
                yield f"{command.branch} was started {len(builds)} times"
            if command.is_taken and not builds:
                yield f"{command.branch} was taken and never started"
        ids = Counter(request_id_of(call.body) for call in self._stage.bitrise.triggers)
        yield from (f"request {name} started {count} builds" for name, count in ids.items() if count > 1 or not name)

    def _wrong_stops(self) -> Iterable[str]:
        calls = Counter(call.build.slug for call in self._stage.bitrise.aborts)
        yield from (f"{slug} was aborted {count} times" for slug, count in calls.items() if count > 1)
        for command in self._people.asked:
            if command.stopped and not any(calls[build.slug] for build in self._builds[command.branch]):
                yield f"the stop of {command.branch} was taken and never reached Bitrise"

    # What is told.

    def _untold(self) -> Iterable[str]:
        for command in self._people.asked:
            for build in self._builds[command.branch]:
                yield from self._about(command, build)
        for build in self._people.pushed:
            if not self._lines_of(build):
                yield f"the end of the push #{build.number} was never told"

    def _about(self, command: Command, build: Build) -> Iterable[str]:
        word, cards = FINAL.get(build.status_text, "an end"), self._cards_of(command, build)
        if not any(word in self._stage.read(card) for card in cards):
            yield f"no card of {command.branch} says {word}: {[card.text for card in cards]}"
        if not any(word in self._stage.read(each) for each in self._replies(command.channel, cards)):
            yield f"the end of {command.branch} was never announced"

    def is_all_told(self) -> bool:
        return all(build.is_finished for build in self._stage.bitrise.builds()) and not list(self._untold())

    def _cards_of(self, command: Command, build: Build) -> list[Message]:
        return [each for each in self._top(command.channel) if build.slug in slugs_of(each)]

    def _lines_of(self, build: Build) -> list[Message]:
        channel = self._stage.channels[int((build.branch or "").removeprefix("push-"))]
        return [each for each in self._top(channel) if build.slug in slugs_of(each)]

    def _top(self, channel: Channel) -> list[Message]:
        return [each for each in self._stage.slack.messages(channel) if each.thread_ts in (None, each.ts)]

    def _replies(self, channel: Channel, cards: list[Message]) -> list[Message]:
        parents = {card.ts for card in cards}
        return [each for each in self._stage.slack.messages(channel) if each.thread_ts in parents]

    # Twice.

    def doubles(self) -> list[Double]:
        """Every message but the last of those that say the same: cards, announcements, lines, explanations."""
        found = []
        for channel in self._stage.channels:
            for alike in self._alike(channel):
                found += [Double(channel.name, said_at(each), each.text, self._why(each)) for each in alike[:-1]]
        return found

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
        if any(abs(at - cut_at) < OPEN_FOR and where == first.channel.id for cut_at, where in self._cuts):
            return "cut"
        covering = [each for each in self._stage.incidents if each.covers(at, within=OPEN_FOR)]
        return covering[0].what if covering else None

    def _unexplained(self) -> Iterable[str]:
        for double in self.doubles():
            if double.why is None:
                yield f"said twice without a reason in #{double.channel} at {double.at:%H:%M:%S.%f}: {double.text}"

    def _faults(self) -> int:
        """How often an answer was not the true one, or late."""
        journals = (self._stage.slack.journal, self._stage.bitrise.journal)
        spoilt = (
            entry.response.get("cut") or entry.response.get("fault") or int(entry.response.get("status", 200)) >= 429
            for journal in journals
            for entry in journal
            if entry.direction == "in" and entry.kind != "socket"
        )
        return sum(map(bool, spoilt))

    def report(self) -> Mapping[str, object]:
        asked, stage = self._people.asked, self._stage
        return {
            "commands": len(asked),
            "taken": sum(command.is_taken for command in asked),
            "builds": len(stage.bitrise.builds()),
            "stops": sum(command.stopped for command in asked),
            "aborts": len(stage.bitrise.aborts),
            "deliveries repeated": self._people.repeated,
            "incidents": dict(Counter(each.what for each in stage.incidents)),
            "posts": len(stage.slack.journal.named("chat.postMessage")),
            "cuts of posts": len(self._cuts),
            "faults": self._faults(),
            "said twice": dict(Counter(double.why for double in self.doubles())),
        }


def request_id_of(body: Mapping[str, object]) -> str:
    """The id that the start carried among the build's variables."""
    environment = body["build_params"]["environments"]  # type: ignore[index]
    return next((each["value"] for each in environment if each["key"] == "BUILDBELL_REQUEST"), "")


def slugs_of(message: Message) -> set[str]:
    return set(LINK.findall(f"{message.text} {message.blocks}"))


def said_at(message: Message) -> datetime:
    return datetime.fromtimestamp(float(message.ts), UTC)
