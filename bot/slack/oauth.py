"""Slack's side of an installation: the page that asks for consent, the code it gives, the tokens for it.

https://docs.slack.dev/authentication/installing-with-oauth
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import aiohttp
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from bot.slack.client import guarded, web_client
from bot.slack.errors import SlackUnavailable, dict_of, text_of
from bot.vault import Token


@dataclass(frozen=True, slots=True)
class BotTokens:
    """``renewal`` is good once, and ``lives_seconds`` is how long ``access`` is; both None without token rotation."""

    access: Token
    renewal: Token | None = None
    lives_seconds: int | None = None


@dataclass(frozen=True, slots=True)
class Granted:
    """What a code is exchanged for. An install for a whole organisation has no team."""

    app_id: str
    enterprise_id: str
    enterprise_name: str
    team_id: str
    team_name: str
    bot_user_id: str
    scopes: str
    installer_id: str
    tokens: BotTokens

    @property
    def is_for_organisation(self) -> bool:
        return not self.team_id


class OAuthClient:
    """Calls that are made with the app's id and secret, in an Authorization header, rather than with a token."""

    def __init__(self, *, session: aiohttp.ClientSession, api_url: str, client_id: str, client_secret: Token) -> None:
        self._web = web_client(session=session, base_url=api_url)
        self._client_id, self._client_secret = client_id, client_secret
        self._consent_url = api_url.removesuffix("api/") + "oauth/v2/authorize"

    def consent_url(self, *, scopes: Sequence[str], state: str, redirect_uri: str) -> str:
        """Where a person says yes or no; they come back to ``redirect_uri`` with a code or an error."""
        asked = {
            "client_id": self._client_id,
            "scope": ",".join(scopes),
            "state": state,
            "redirect_uri": redirect_uri,
        }
        return f"{self._consent_url}?{urlencode(asked)}"

    async def exchange(self, code: str, *, redirect_uri: str) -> Granted:
        """A code is good once, for ten minutes. https://docs.slack.dev/reference/methods/oauth.v2.access"""
        return _granted(await self._access(code=code, redirect_uri=redirect_uri))

    async def renew(self, renewal: Token) -> BotTokens:
        """The next tokens. https://docs.slack.dev/authentication/using-token-rotation"""
        return _tokens(await self._access(grant_type="refresh_token", refresh_token=renewal.reveal()))

    async def _access(self, **arguments: str) -> AsyncSlackResponse:
        headers = {"Authorization": basic(self._client_id, self._client_secret)}
        return await guarded(lambda: self._web.api_call("oauth.v2.access", data=arguments, headers=headers))


def basic(client_id: str, client_secret: Token) -> str:
    """HTTP Basic, written here because the SDK's own way is deprecated by aiohttp."""
    return "Basic " + base64.b64encode(f"{client_id}:{client_secret.reveal()}".encode()).decode()


def _granted(answer: Any) -> Granted:
    team, enterprise, installer = (dict_of(answer, name) for name in ("team", "enterprise", "authed_user"))
    granted = Granted(
        app_id=text_of(answer, "app_id"),
        enterprise_id=text_of(enterprise, "id"),
        enterprise_name=text_of(enterprise, "name"),
        team_id="" if answer.get("is_enterprise_install") is True else text_of(team, "id"),
        team_name=text_of(team, "name"),
        bot_user_id=text_of(answer, "bot_user_id"),
        scopes=text_of(answer, "scope"),
        installer_id=text_of(installer, "id"),
        tokens=_tokens(answer),
    )
    if not (granted.team_id or granted.enterprise_id):
        raise SlackUnavailable("Slack's answer names neither a workspace nor an organisation.")
    return granted


def _tokens(answer: Any) -> BotTokens:
    access, renewal, lives = text_of(answer, "access_token"), text_of(answer, "refresh_token"), answer.get("expires_in")
    if not access:
        raise SlackUnavailable("Slack's answer holds no token.")
    if renewal and isinstance(lives, int):
        return BotTokens(Token(access), Token(renewal), lives)
    return BotTokens(Token(access))
