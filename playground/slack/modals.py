"""Views: stacks of up to three modals, Home tabs, and their hashes.

https://docs.slack.dev/surfaces/modals and https://docs.slack.dev/surfaces/app-home
"""

from __future__ import annotations

from dataclasses import dataclass, field

from playground.slack.errors import SlackError
from playground.slack.sizes import STACK
from playground.slack.state import Values, initial_values, name_all
from playground.slack.world import JSON, Installation, User, World


@dataclass(slots=True, eq=False)
class View:
    """A modal or Home tab that one person has open."""

    id: str
    app: Installation
    user: User
    body: JSON
    hash: str
    root_view_id: str
    previous_view_id: str | None = None
    state: Values = field(default_factory=dict)
    offered: dict[str, list[JSON]] = field(default_factory=dict)
    """Options of the last suggestion, by action_id."""
    is_open: bool = True

    @property
    def type(self) -> str:
        return str(self.body["type"])

    @property
    def title(self) -> str:
        return str((self.body.get("title") or {}).get("text", ""))

    @property
    def callback_id(self) -> str:
        return str(self.body.get("callback_id") or "")

    @property
    def external_id(self) -> str:
        return str(self.body.get("external_id") or "")

    @property
    def private_metadata(self) -> str:
        return str(self.body.get("private_metadata") or "")

    @property
    def blocks(self) -> list[JSON]:
        blocks: list[JSON] = self.body["blocks"]
        return blocks

    def payload(self) -> JSON:
        """Return the view as the Web API and interactions show it."""
        return {
            "id": self.id,
            "team_id": self.user.team.id,
            "type": self.type,
            "blocks": self.blocks,
            "private_metadata": self.private_metadata,
            "callback_id": self.callback_id,
            "state": {"values": {block_id: dict(held) for block_id, held in self.state.items()}},
            "hash": self.hash,
            "title": self.body.get("title") or {"type": "plain_text", "text": "View Title", "emoji": True},
            "clear_on_close": bool(self.body.get("clear_on_close")),
            "notify_on_close": bool(self.body.get("notify_on_close")),
            "close": self.body.get("close"),
            "submit": self.body.get("submit"),
            "previous_view_id": self.previous_view_id,
            "root_view_id": self.root_view_id,
            "app_id": self.app.app.id,
            "external_id": self.external_id,
            "app_installed_team_id": self.app.team.id,
            "bot_id": self.app.bot_id,
        }


class Views:
    """The views of all people. Their bodies are validated before."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._all: dict[str, View] = {}
        self._stacks: dict[User, list[View]] = {}
        self._homes: dict[tuple[Installation, User], View] = {}

    def stack(self, user: User) -> list[View]:
        """Return the person's open modals, the lowest first."""
        return list(self._stacks.get(user, []))

    def home(self, app: Installation, user: User) -> View | None:
        return self._homes.get((app, user))

    def get(self, app: Installation, view_id: str) -> View:
        view = self._all.get(view_id)
        if view is None or view.app is not app or not view.is_open:
            raise SlackError("not_found")
        return view

    def with_external_id(self, app: Installation, external_id: str) -> View:
        for view in self._all.values():
            if view.app is app and view.is_open and view.external_id == external_id:
                return view
        raise SlackError("not_found")

    def open(self, app: Installation, user: User, body: JSON) -> View:
        """Open a modal in a new stack, which replaces an open one."""
        self._refuse_taken(app, body, besides=None)
        self.clear(user)
        view = self._make(app, user, body)
        self._stacks[user] = [view]
        return view

    def push(self, app: Installation, user: User, body: JSON) -> View:
        stack = self._stacks.get(user, [])
        if not stack:
            raise SlackError("not_found")
        if len(stack) >= STACK:
            raise SlackError("push_limit_reached")
        self._refuse_taken(app, body, besides=None)
        view = self._make(app, user, body)
        view.root_view_id, view.previous_view_id = stack[0].id, stack[-1].id
        stack.append(view)
        return view

    def update(self, view: View, body: JSON, expected_hash: str | None = None) -> View:
        """Replace the view's body. Inputs with the same block_id and action_id keep their values."""
        if expected_hash and expected_hash != view.hash:
            raise SlackError("hash_conflict")
        self._refuse_taken(view.app, body, besides=view)
        view.body = self._named(body)
        view.state = initial_values(view.blocks, kept=view.state)
        view.hash = self._new_hash()
        return view

    def publish(self, app: Installation, user: User, body: JSON, expected_hash: str | None) -> View:
        view = self._homes.get((app, user))
        if view is not None:
            return self.update(view, body, expected_hash)
        return self._homes.setdefault((app, user), self._make(app, user, body))

    def close(self, view: View) -> None:
        """Close this modal only, so that the one below it is on top."""
        view.is_open = False
        stack = self._stacks.get(view.user, [])
        if view in stack:
            stack.remove(view)

    def clear(self, user: User) -> None:
        for view in self.stack(user):
            self.close(view)

    def _make(self, app: Installation, user: User, body: JSON) -> View:
        view_id = self._world.new_id("V")
        named = self._named(body)
        view = View(view_id, app, user, named, self._new_hash(), root_view_id=view_id)
        view.state = initial_values(view.blocks)
        self._all[view_id] = view
        return view

    def _named(self, body: JSON) -> JSON:
        return {**body, "blocks": name_all(body["blocks"], self._world.letters)}

    def _new_hash(self) -> str:
        return f"{int(self._world.now().timestamp())}.{self._world.letters(8)}"

    def _refuse_taken(self, app: Installation, body: JSON, *, besides: View | None) -> None:
        external_id = body.get("external_id")
        taken = (view for view in self._all.values() if view.is_open and view.app is app and view is not besides)
        if external_id and any(view.external_id == external_id for view in taken):
            raise SlackError("duplicate_external_id")
