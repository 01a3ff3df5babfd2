"""OAuth: consent, authorization codes, token rotation, and removal of an app.

https://docs.slack.dev/authentication/installing-with-oauth and https://docs.slack.dev/authentication/using-token-rotation
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import parse_qs, urlencode, urlsplit

from playground.slack import payloads
from playground.slack.codes import Code, Refresh
from playground.slack.delivery import Courier, Delivery
from playground.slack.errors import SlackError
from playground.slack.setup import Setup, check_declined
from playground.slack.world import JSON, App, Installation, Team, User

CODE_LIVES = timedelta(minutes=10)
TOKEN_LIVES = timedelta(hours=12)
GRACE = timedelta(seconds=60)
"""Time in which a used refresh token works once more, for a lost response. Slack says "short"."""
LIVE_TOKENS = 2


@dataclass(frozen=True, slots=True)
class ConsentRequest:
    """The parsed URL of an app's request for consent."""

    app: App
    scopes: tuple[str, ...]
    state: str
    redirect_uri: str


class OAuth(Setup):
    courier: Courier

    def read_consent(self, query: Mapping[str, str]) -> ConsentRequest:
        """Parse the query of the consent page. Raises SlackError with the message of Slack's page."""
        app = self.world.app_with(query.get("client_id", ""))
        if app is None:
            raise SlackError("invalid_client_id")
        redirect_uri = query.get("redirect_uri") or (app.redirect_urls or [""])[0]
        if not any(_covers(registered, redirect_uri) for registered in app.redirect_urls):
            raise SlackError("bad_redirect_uri")
        scopes = tuple(filter(None, query.get("scope", "").split(",")))
        if not scopes or set(scopes) - set(app.scopes):
            raise SlackError("invalid_scope")
        return ConsentRequest(app, scopes, query.get("state", ""), redirect_uri)

    def consent(
        self, user: User, url: str, *, allow: bool = True, to: Team | None = None, declined: tuple[str, ...] = ()
    ) -> str:
        """Decide on the consent page and return the redirect. ``to`` may be the person's organization."""
        query = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
        return self.decide(self.read_consent(query), user, allow=allow, to=to, declined=declined)

    def decide(
        self, asked: ConsentRequest, user: User, *, allow: bool, to: Team | None = None, declined: tuple[str, ...] = ()
    ) -> str:
        place = to or user.team
        if place not in (user.team, user.team.organisation):
            raise ValueError(f"{user.name} cannot install in {place.name}")
        if user.guest:
            raise ValueError(f"{user.name} is a guest and cannot install apps")
        if place.is_organisation and not asked.app.settings.get("org_deploy_enabled"):
            raise ValueError(f"{asked.app.name} cannot be installed for organisations")
        check_declined(asked.app, declined)
        if not allow:
            return _back(asked, error="access_denied")
        code = f"{self.world.letters(12, '0123456789')}.{self.world.letters(12, '0123456789')}.{self.world.letters(40)}"
        self.journal.hide(code)
        scopes = tuple(scope for scope in asked.scopes if scope not in declined)
        self.codes[code] = Code(asked.app, place, user, scopes, asked.redirect_uri, self.clock.now())
        return _back(asked, code=code)

    def uninstall(self, installation: Installation) -> None:
        """Remove the app as an admin: revoke its tokens and send both events, in no guaranteed order."""
        self.revoke(installation)
        for channel in self.world.channels.values():
            if installation.bot_user in channel.members and not channel.is_im:
                channel.members.remove(installation.bot_user)
        self.tell_removal(installation, {"type": "app_uninstalled"})
        self.tell_removal(installation, {"type": "tokens_revoked", "tokens": {"bot": [installation.bot_user.id]}})

    def tell_removal(
        self, installation: Installation, happened: JSON, *, at: datetime | None = None
    ) -> Delivery | None:
        """Send an event of the removal, now or delayed (``at`` is when it happened)."""
        if not installation.app.hears(happened["type"]):
            return None
        moment = int((at or self.clock.now()).timestamp())
        payload = payloads.removal(installation, happened, event_id=self.world.new_id("Ev"), event_time=moment)
        delivery = self.courier.prepare("events_api", happened["type"], installation, payload)
        self.courier.deliver_soon(delivery)
        return delivery

    # oauth.v2.access.

    def redeem(self, app: App, code: str, redirect_uri: str) -> tuple[Installation, User]:
        found = self.codes.get(code)
        if found is None or found.app is not app or self.clock.now() - found.issued_at > CODE_LIVES:
            raise SlackError("invalid_code")
        if found.is_used:
            raise SlackError("code_already_used")
        if redirect_uri != found.redirect_uri:
            raise SlackError("bad_redirect_uri")
        found.is_used = True
        return self._grant(found), found.user

    def _grant(self, code: Code) -> Installation:
        """Install the app. A repeated installation keeps the bot user and adds scopes."""
        known = (each for each in self.world.installations if each.app is code.app and each.team is code.team)
        installation = next(known, None)
        if installation is None:
            installation = self.install(code.app.manifest, code.team, of=code.app)
            installation.scopes = code.scopes
        else:
            installation.scopes = tuple(dict.fromkeys([*installation.scopes, *code.scopes]))
        if installation.revoked:  # a revoked token stays revoked
            for token in self.world.tokens_of(installation):
                self.world.take_back(token)
        if code.app.settings.get("token_rotation_enabled"):
            self._rotate(installation)
        elif installation.revoked:
            self.world.hand_out(installation, self.new_bot_token())
        installation.revoked = False
        return installation

    def refresh(self, app: App, token: str) -> Installation:
        found = self.refreshes.get(token)
        if found is None or found.installation.app is not app or found.installation.revoked:
            raise SlackError("invalid_refresh_token")
        if found.used_at is not None and self.clock.now() - found.used_at > GRACE:
            raise SlackError("invalid_refresh_token")
        found.used_at = found.used_at or self.clock.now()
        self._rotate(found.installation)
        return found.installation

    def _rotate(self, installation: Installation) -> None:
        for old in self.world.tokens_of(installation)[: 1 - LIVE_TOKENS]:
            self.world.take_back(old)
        if not installation.bot_token.startswith("xoxe."):
            self.world.take_back(installation.bot_token)
        access = f"xoxe.{self.new_bot_token()}"
        self.world.hand_out(installation, access, self.clock.now() + TOKEN_LIVES)
        installation.refresh_token = f"xoxe-1-{self.world.letters(120)}"
        self.refreshes[installation.refresh_token] = Refresh(installation)
        for secret in (access, installation.refresh_token):
            self.journal.hide(secret)


def _covers(registered: str, asked: str) -> bool:
    """Return whether the redirect is at or below the registered URL. HTTP is allowed on loopback only."""
    one, other = urlsplit(registered), urlsplit(asked)
    is_safe = other.scheme == "https" or other.hostname in ("127.0.0.1", "localhost")
    return is_safe and one[:2] == other[:2] and (other.path + "/").startswith(one.path.rstrip("/") + "/")


def _back(asked: ConsentRequest, **told: str) -> str:
    return f"{asked.redirect_uri}?{urlencode({**told, 'state': asked.state})}"
