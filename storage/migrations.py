"""Numbered steps from an empty database to today's tables, each one transaction; a newer database is refused."""

from __future__ import annotations

from dataclasses import dataclass

from storage.database import Database, DatabaseUnusable, Transaction
from storage.schema import FIRST, HEARING
from storage.schema_installs import INSTALLS


@dataclass(frozen=True, slots=True)
class Migration:
    number: int
    description: str
    statements: tuple[str, ...]


MIGRATIONS = (
    Migration(1, "the first tables", FIRST),
    Migration(2, "channels and people hear about builds", HEARING),
    Migration(3, "many workspaces: installations and the states of OAuth", INSTALLS),
)
DIALECTS = {"sqlite": {"serial": "integer primary key autoincrement"}}


async def schema_version(database: Database) -> int:
    """The number of the newest step applied, 0 for an empty database."""

    async def read(tx: Transaction) -> int:
        await tx.execute("create table if not exists schema_version (version integer not null)")
        row = await tx.fetch_one("select max(version) as version from schema_version")
        return int(row["version"] or 0) if row else 0

    return await database.transaction(read)


async def migrate(database: Database, *, dialect: str, steps: tuple[Migration, ...] = MIGRATIONS) -> int:
    """Bring the tables up to date; returns the version reached. Raises `DatabaseUnusable` for a newer database."""
    version = await schema_version(database)
    newest = steps[-1].number
    if version > newest:
        raise DatabaseUnusable(
            f"The database is at version {version}, this Buildbell knows versions up to {newest}: "
            "it was used by a newer Buildbell. Start that one, or restore the backup made before the upgrade."
        )
    for step in steps:
        if step.number > version:
            await _apply(database, step, DIALECTS[dialect])
    return newest


async def _apply(database: Database, step: Migration, words: dict[str, str]) -> None:
    async def run(tx: Transaction) -> None:
        for statement in step.statements:
            await tx.execute(statement.format(**words))
        await tx.execute("insert into schema_version (version) values (:version)", version=step.number)

    await database.transaction(run)
