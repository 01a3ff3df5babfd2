"""Client for Slack's OAuth: the consent page, the exchange of a code for tokens, token rotation.

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
    """``refresh`` works once; ``access`` expires ``expires_in`` seconds later. Both None without token rotation."""

    access: Token
    refresh: Token | None = None
    expires_in: int | None = None


@dataclass(frozen=True, slots=True)
class Grant:
    """The response to a code. An organization-wide installation has no team."""

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
    def is_for_organization(self) -> bool:
        return not self.team_id


class OAuthClient:
    """Calls with the app's id and secret in an Authorization header instead of a token."""

    def __init__(self, *, session: aiohttp.ClientSession, api_url: str, client_id: str, client_secret: Token) -> None:
        self._web = web_client(session=session, base_url=api_url)
        self._client_id, self._client_secret = client_id, client_secret
        self._consent_url = api_url.removesuffix("api/") + "oauth/v2/authorize"

    def consent_url(self, *, scopes: Sequence[str], state: str, redirect_uri: str) -> str:
        """The page that sends people back to ``redirect_uri`` with a code or an error."""
        scope = ",".join(scopes)
        query = {"client_id": self._client_id, "scope": scope, "state": state, "redirect_uri": redirect_uri}
        return f"{self._consent_url}?{urlencode(query)}"

    async def exchange(self, code: str, *, redirect_uri: str) -> Grant:
        """A code works once, for ten minutes. https://docs.slack.dev/reference/methods/oauth.v2.access"""
        response: Any = await self._access(code=code, redirect_uri=redirect_uri)
        team, enterprise, installer = (dict_of(response, name) for name in ("team", "enterprise", "authed_user"))
        grant = Grant(
            app_id=text_of(response, "app_id"),
            enterprise_id=text_of(enterprise, "id"),
            enterprise_name=text_of(enterprise, "name"),
            team_id="" if response.get("is_enterprise_install") is True else text_of(team, "id"),
            team_name=text_of(team, "name"),
            bot_user_id=text_of(response, "bot_user_id"),
            scopes=text_of(response, "scope"),
            installer_id=text_of(installer, "id"),
            tokens=_tokens(response),
        )
        if not (grant.team_id or grant.enterprise_id):
            raise SlackUnavailable("Slack's response names neither a workspace nor an organization.")
        return grant

    async def refresh(self, token: Token) -> BotTokens:
        """https://docs.slack.dev/authentication/using-token-rotation"""
        return _tokens(await self._access(grant_type="refresh_token", refresh_token=token.reveal()))

    async def _access(self, **arguments: str) -> AsyncSlackResponse:
        headers = {"Authorization": basic_auth(self._client_id, self._client_secret)}
        return await guarded(lambda: self._web.api_call("oauth.v2.access", data=arguments, headers=headers))


def basic_auth(client_id: str, client_secret: Token) -> str:
    """Return the value of an Authorization header. The SDK uses a helper of aiohttp that is deprecated."""
    return "Basic " + base64.b64encode(f"{client_id}:{client_secret.reveal()}".encode()).decode()


def _tokens(response: Any) -> BotTokens:
    access, refresh = text_of(response, "access_token"), text_of(response, "refresh_token")
    expires_in = response.get("expires_in")
    if not access:
        raise SlackUnavailable("Slack's response has no token.")
    if refresh and isinstance(expires_in, int):
        return BotTokens(Token(access), Token(refresh), expires_in)
    return BotTokens(Token(access))
