"""Create teams, people, channels and apps, and install apps."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from playground.slack.core import Core
from playground.slack.world import App, Channel, Guest, Installation, Team, User


class Setup(Core):
    def add_organisation(self, name: str) -> Team:
        """Create an organization of several teams, for which an app can be installed at once."""
        return Team(self.world.new_id("E"), name, name.lower().replace(" ", "-"))

    def add_team(self, name: str, domain: str | None = None, *, of: Team | None = None) -> Team:
        """Create a team, in the organization ``of`` if it is given."""
        team = Team(self.world.new_id("T"), name, domain or name.lower().replace(" ", "-"), of)
        self.world.teams.append(team)
        return team

    def add_user(
        self,
        team: Team,
        name: str,
        *,
        admin: bool = False,
        real_name: str | None = None,
        email: str | None = None,
        tz: str = "Europe/Amsterdam",
        display_name: str | None = None,
        guest: Guest | None = None,
    ) -> User:
        """Create a person with the handle ``name``, which is also the display name unless another is given."""
        user = User(
            id=self.world.new_id(_letter(team)),
            name=name,
            team=team,
            real_name=real_name or name.replace(".", " ").title(),
            email=email,
            display_name=name if display_name is None else display_name,
            guest=guest,
            is_admin=admin,
            tz=tz,
        )
        return self.world.add_user(user)

    def add_channel(self, team: Team, name: str, *, private: bool = False, members: Iterable[User] = ()) -> Channel:
        created = int(self.clock.now().timestamp())
        channel = Channel(self.world.new_id("C"), name, team, created, is_private=private, members=list(members))
        return self.world.add_channel(channel)

    def share(self, channel: Channel, team: Team) -> None:
        """Share the channel by Slack Connect, so that people of the other team can be invited."""
        channel.shared_with.append(team)

    def invite(self, channel: Channel, *users: User) -> None:
        for user in users:
            if not channel.reaches(user.team):
                raise ValueError(f"#{channel.name} is not shared with {user.team.name}")
            if user.guest == "single_channel" and self._channels_of(user) not in ([], [channel]):
                raise ValueError(f"{user.name} is a guest of one channel")
            if user not in channel.members:
                channel.members.append(user)

    def _channels_of(self, user: User) -> list[Channel]:
        there = self.world.channels.values()
        return [channel for channel in there if user in channel.members and not channel.is_im]

    def install(
        self,
        manifest: Mapping[str, Any],
        team: Team,
        request_url: str | None = None,
        *,
        of: Installation | App | None = None,
        declined: Collection[str] = (),
    ) -> Installation:
        """Create and install the app of this manifest; ``of`` installs an existing app in one more team.

        ``declined`` are optional scopes that the installing person refused.
        """
        app = self.register(manifest, request_url) if of is None else of if isinstance(of, App) else of.app
        check_declined(app, declined)
        installation = Installation(
            app=app,
            team=team,
            bot_user=self.world.add_user(self._bot(manifest, team)),
            bot_id=self.world.new_id("B"),
            bot_token=self.new_bot_token(),
            scopes=tuple(scope for scope in app.scopes if scope not in declined),
        )
        return self.world.add_installation(installation)

    def new_bot_token(self) -> str:
        token = f"xoxb-{self._digits(12)}-{self._digits(13)}-{self.world.letters(24)}"
        self.journal.hide(token)
        return token

    def revoke(self, app: Installation) -> None:
        """Revoke the app's token, as when an admin removes the app."""
        app.revoked = True

    def register(self, manifest: Mapping[str, Any], request_url: str | None = None) -> App:
        """Create the app of this manifest without installing it. Raises ValueError for a manifest Slack refuses."""
        _check_manifest(manifest)
        app_id = self.world.new_id("A")
        app = App(
            id=app_id,
            manifest=manifest,
            app_token=f"xapp-1-{app_id}-{self._digits(13)}-{self.world.letters(64, '0123456789abcdef')}",
            signing_secret=self.world.letters(32, "0123456789abcdef"),
            verification_token=self.world.letters(24),
            client_id=f"{self._digits(12)}.{self._digits(13)}",
            client_secret=self.world.letters(32, "0123456789abcdef"),
            request_url=request_url,
        )
        for secret in (app.app_token, app.signing_secret, app.verification_token, app.client_secret):
            self.journal.hide(secret)
        self.world.add_app(app)
        return app

    def _bot(self, manifest: Mapping[str, Any], team: Team) -> User:
        real_name = (manifest.get("features", {}).get("bot_user") or {}).get("display_name") or "bot"
        name = real_name.lower()
        return User(self.world.new_id(_letter(team)), name, team, real_name, display_name=name, is_bot=True)

    def _digits(self, count: int) -> str:
        return self.world.letters(count, "0123456789")


def _letter(team: Team) -> str:
    """Return the first letter of user ids: W in organizations."""
    return "W" if team.is_organisation or team.organisation else "U"


SCOPES_OF_EVENTS = {"app_mention": "app_mentions:read", "link_shared": "links:read"}


def _check_manifest(manifest: Mapping[str, Any]) -> None:
    """https://docs.slack.dev/reference/app-manifest and https://docs.slack.dev/authentication/installing-with-oauth"""
    scopes = (manifest.get("oauth_config") or {}).get("scopes") or {}
    for kind in ("bot", "user"):
        if extra := set(scopes.get(f"{kind}_optional", ())) - set(scopes.get(kind, ())):
            raise ValueError(f"scopes in {kind}_optional must also be in {kind}: {', '.join(sorted(extra))}")
    features = manifest.get("features") or {}
    if (features.get("slash_commands") or features.get("shortcuts")) and "commands" not in scopes.get("bot", ()):
        raise ValueError("slash commands and shortcuts need the scope `commands`")
    events = ((manifest.get("settings") or {}).get("event_subscriptions") or {}).get("bot_events") or []
    for event in events:
        if (scope := SCOPES_OF_EVENTS.get(event)) and scope not in scopes.get("bot", ()):
            raise ValueError(f"the event {event} needs the scope `{scope}`")


def check_declined(app: App, declined: Collection[str]) -> None:
    if needed := set(declined) - set(app.optional_scopes):
        raise ValueError(f"these scopes are not optional: {', '.join(sorted(needed))}")
