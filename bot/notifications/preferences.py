"""What one person has said about themselves: how their builds are known, and what they are told directly."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta

from bot.clock import Clock
from bot.notifications.owners import is_of
from bot.permissions import Access, Asker
from bot.slack.client import SlackClient
from bot.slack.errors import SlackFailed
from bot.sync_schedule import Sweeps
from commands.preferences_form import MeForm
from storage import Database, Transaction
from storage.audit import AuditRow, AuditStore
from storage.builds import BuildRow
from storage.users import OFF, PeopleStore, PersonRow

log = logging.getLogger(__name__)
VERB = "me"
LINKED_BACK = timedelta(days=30)
LINKED_AT_MOST = 500


@dataclass(frozen=True, slots=True)
class Myself:
    """``namesakes`` are the others who have linked a name of this person's; ``linked`` how many builds were found."""

    person: PersonRow
    namesakes: Mapping[str, tuple[str, ...]]
    linked: int | None = None


class Me:
    """``may_read_email(workspace_id)``: whether the optional scope is there."""

    def __init__(
        self,
        *,
        database: Database,
        people: PeopleStore,
        audit: AuditStore,
        sweeps: Sweeps,
        access: Access,
        slack: Callable[[str], SlackClient],
        may_read_email: Callable[[str], Awaitable[bool]],
        clock: Clock,
        new_id: Callable[[], str],
    ) -> None:
        self._db, self._people, self._audit = database, people, audit
        self._sweeps, self._clock, self._new_id = sweeps, clock, new_id
        self._access, self._slack, self.may_read_email = access, slack, may_read_email

    async def find_person(self, asker: Asker) -> PersonRow | None:
        """As they have saved it; None for people of other workspaces, who have nothing to save here."""
        if not self._access.is_member(asker):
            return None
        return await self._people.get_person(asker.workspace_id, asker.user_id)

    async def look_up(self, asker: Asker) -> Myself:
        """As it would be saved now: with the e-mail address that Slack knows."""
        self._access.check_member(asker)
        person = await self._as_slack_says(await self._people.get_person(asker.workspace_id, asker.user_id))
        return Myself(person, await self._namesakes(person))

    async def save(self, asker: Asker, form: MeForm) -> Myself:
        """Store the preferences and count known builds of theirs as theirs.

        A name may be linked by several people: it opens nothing that not everybody may see, and first come would let
        somebody keep a name from its owner. Each of them is shown the others.
        """
        self._access.check_member(asker)
        before = await self._people.get_person(asker.workspace_id, asker.user_id)
        person = dataclasses.replace(await self._as_slack_says(before), tells=form.tells, git_names=form.git_names)
        is_known_anew = (person.git_names, person.email) != (before.git_names, before.email)

        async def keep(tx: Transaction) -> int | None:
            await self._people.save_person(tx, person)
            linked = await self._link_past(tx, person) if is_known_anew else None
            await self._note(tx, person)
            if person.tells != OFF:  # from here on somebody waits for whatever may start
                await self._sweeps.make_due(tx, person.workspace_id, at=self._clock.now())
            return linked

        linked = await self._db.transaction(keep)
        return Myself(person, await self._namesakes(person), linked)

    async def list_builds(self, asker: Asker, *, limit: int) -> tuple[list[BuildRow], list[BuildRow]]:
        """What runs of theirs, and what has ended, newest first."""
        workspace_id, user_id = asker.workspace_id, asker.user_id
        running = await self._people.list_builds(workspace_id, user_id, is_finished=False, limit=limit)
        return running, await self._people.list_builds(workspace_id, user_id, is_finished=True, limit=limit)

    async def _as_slack_says(self, person: PersonRow) -> PersonRow:
        """What a form says about an address is not believed: only Slack knows whose it is."""
        try:
            known = await self._slack(person.workspace_id).get_user(person.user_id)
        except SlackFailed as error:
            log.warning("Slack could not say who somebody is", extra={"user": person.user_id, "error": str(error)})
            return person
        return dataclasses.replace(person, email=known.email.lower() if known.email else None)

    async def _namesakes(self, person: PersonRow) -> dict[str, tuple[str, ...]]:
        people = [each for each in await self._people.list_people(person.workspace_id) if each.git_names]
        shared = {
            name: tuple(each.user_id for each in people if name in each.git_names and each.user_id != person.user_id)
            for name in person.git_names
        }
        return {name: others for name, others in shared.items() if others}

    async def _link_past(self, tx: Transaction, person: PersonRow) -> int:
        """Names that were taken back take their builds with them."""
        since = self._clock.now() - LINKED_BACK
        await self._people.forget_linked(tx, person.workspace_id, person.user_id)
        candidates = await self._people.list_candidates(person, since=since, limit=LINKED_AT_MOST, on=tx)
        theirs = [build for build in candidates if is_of(person, build)]
        for build in theirs:
            await self._people.add_build_person(
                tx, person.workspace_id, build.build_slug, person.user_id, triggered_at=build.triggered_at
            )
        return len(theirs)

    async def _note(self, tx: Transaction, person: PersonRow) -> None:
        entry = AuditRow(
            audit_id=self._new_id(),
            workspace_id=person.workspace_id,
            at=self._clock.now(),
            user_id=person.user_id,
            verb=VERB,
            subject=", ".join(person.git_names),
            result=f"direct messages: {person.tells}",
        )
        await self._audit.add_entry(tx, entry)
