"""What a person wants started: as it was asked for, and with nothing left to fill in."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from bot.bitrise.mapping import hash_parameters


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a person asked to start; what is None is filled in. ``words`` are unnamed: app, workflow, branch in order.

    The environment's values may be secret: they are not in the repr.
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


@dataclass(frozen=True, slots=True)
class Parameters:
    """A start with nothing left to fill in; this is what is sealed into the request."""

    app_slug: str
    workflow: str | None
    pipeline: str | None
    branch: str | None
    tag: str | None
    commit: str | None
    environment: tuple[tuple[str, str], ...] = field(repr=False)
    message: str | None

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
        )

    def fields(self) -> dict[str, Any]:
        """For JSON. `dataclasses.asdict` would copy what cannot change."""
        return {name: getattr(self, name) for name in self.__slots__}

    @classmethod
    def read(cls, fields: dict[str, Any]) -> Parameters:
        """What `fields` and JSON made of it."""
        return cls(**fields | {"environment": tuple((key, value) for key, value in fields["environment"])})
