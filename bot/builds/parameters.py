"""The parameters of a start: as requested, and completely resolved."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bot.bitrise.mapping import hash_parameters


@dataclass(frozen=True, slots=True)
class StartRequest:
    """A start as a person requested it. ``words`` are unnamed, in the order app, workflow, branch; None is a gap.

    The values of the environment may be secret, so they aren't in the repr.
    """

    words: tuple[str, ...] = ()
    app: str | None = None
    workflow: str | None = None
    pipeline: str | None = None
    branch: str | None = None
    tag: str | None = None
    commit: str | None = None
    environment: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    message: str | None = None
    quoted_at: int | None = None
    """The number of words before a message that is one word in quotes, without a key: it may be a name."""
    expanded: tuple[str, ...] = ()
    others: Mapping[str, Any] = field(default_factory=dict, repr=False)
    not_repeated: tuple[str, ...] = ()
    """Parameters of the earlier build that can't be sent again."""


@dataclass(frozen=True, slots=True)
class StartParameters:
    """A start without gaps, as it is sealed into the request."""

    app_slug: str
    workflow: str | None
    pipeline: str | None
    branch: str | None
    tag: str | None
    commit: str | None
    environment: tuple[tuple[str, str], ...] = field(repr=False)
    message: str | None
    expanded: tuple[str, ...] = ()
    """The variables in whose values ``$NAME`` is expanded: those of a build that is rebuilt."""
    others: Mapping[str, Any] = field(default_factory=dict, repr=False)
    """Fields of `bot.bitrise.models.REPEATABLE` from the build that is rebuilt."""

    @property
    def target(self) -> str | None:
        return self.pipeline or self.workflow

    @property
    def digest(self) -> str:
        return hash_parameters(
            workflow=self.workflow,
            pipeline=self.pipeline,
            branch=self.branch,
            tag=self.tag,
            commit=self.commit,
            environment=self.environment,
            others=self.others,
        )

    def fields(self) -> dict[str, Any]:
        """Return the fields for JSON. `dataclasses.asdict` would copy immutable values."""
        return {name: getattr(self, name) for name in self.__slots__}

    @classmethod
    def read(cls, fields: dict[str, Any]) -> StartParameters:
        """Restore the parameters from `fields` after JSON."""
        environment = tuple((key, value) for key, value in fields["environment"])
        return cls(**fields | {"environment": environment, "expanded": tuple(fields.get("expanded", ()))})
