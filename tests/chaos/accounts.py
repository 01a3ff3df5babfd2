"""What became of everything, by the practice servers' own records: started once, stopped once, and told."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping

from playground.bitrise import Build
from playground.slack import Channel, Message
from tests.chaos.people import Command, People
from tests.chaos.stage import Stage

LINK = re.compile(r"/build/([0-9a-f-]+)")
FINAL = {"success": "Succeeded", "error": "Failed", "aborted": "Stopped", "aborted-with-success": "Skipped"}


class Said:
    """What stands in the channels now, found by build; reading all of it takes seconds after ten thousand builds."""

    def __init__(self, channels: Iterable[Channel]) -> None:
        self._about: defaultdict[tuple[str, str], list[Message]] = defaultdict(list)
        self._below: defaultdict[tuple[str, str], list[Message]] = defaultdict(list)
        for channel in channels:
            for message in channel.messages:
                if not message.is_ephemeral:
                    self._put(channel, message)

    def _put(self, channel: Channel, message: Message) -> None:
        if message.thread_ts not in (None, message.ts):
            self._below[channel.id, str(message.thread_ts)].append(message)
            return
        for slug in slugs_of(message):
            self._about[channel.id, slug].append(message)

    def about(self, build: Build, channel: Channel) -> list[Message]:
        """Messages that link to the build and are no replies."""
        return self._about[channel.id, build.slug]

    def below(self, parents: Iterable[Message], channel: Channel) -> list[Message]:
        return [reply for parent in parents for reply in self._below[channel.id, parent.ts]]


class Accounts:
    def __init__(self, stage: Stage, people: People) -> None:
        self._stage, self._people = stage, people
        self._said = Said(stage.channels)
        self._builds: defaultdict[str, list[Build]] = defaultdict(list)
        for build in stage.bitrise.builds():
            self._builds[build.branch or ""].append(build)

    def problems(self) -> list[str]:
        """Everything that must not be, a sentence each."""
        return [*self._wrong_starts(), *self._wrong_stops(), *self._untold()]

    def is_all_told(self) -> bool:
        return all(build.is_finished for build in self._stage.bitrise.builds()) and not any(self._untold())

    # Builds and stops.

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
                yield from self._untold_of(command, build)
        for build in self._people.pushed:
            channel = self._stage.channels[int((build.branch or "").removeprefix("push-"))]
            if not self._tells_end(self._said.about(build, channel), build):
                yield f"the end of the push #{build.number} was never told"

    def _untold_of(self, command: Command, build: Build) -> Iterable[str]:
        cards = self._said.about(build, command.channel)
        if not self._tells_end(cards, build):
            yield f"no card of {command.branch} tells its end: {[card.text for card in cards]}"
        if not self._tells_end(self._said.below(cards, command.channel), build):
            yield f"the end of {command.branch} was never announced"

    def _tells_end(self, messages: Iterable[Message], build: Build) -> bool:
        word = FINAL.get(build.status_text, "an end")
        return any(word in self._stage.read(message) for message in messages)

    def counts(self) -> Mapping[str, int]:
        asked, slack = self._people.asked, self._stage.slack
        return {
            "commands typed": len(asked),
            "commands taken": sum(command.is_taken for command in asked),
            "builds pushed": len(self._people.pushed),
            "builds at Bitrise": len(self._stage.bitrise.builds()),
            "stops asked for": sum(command.stopped for command in asked),
            "aborts at Bitrise": len(self._stage.bitrise.aborts),
            "deliveries by Slack": sum(entry.direction == "out" for entry in slack.journal),
            "messages posted": len(slack.journal.named("chat.postMessage")),
        }


def request_id_of(body: Mapping[str, object]) -> str:
    """The id that the start carried among the build's variables."""
    environment = body["build_params"]["environments"]  # type: ignore[index]
    return next((each["value"] for each in environment if each["key"] == "BUILDBELL_REQUEST"), "")


def slugs_of(message: Message) -> set[str]:
    return set(LINK.findall(f"{message.text} {message.blocks}"))
