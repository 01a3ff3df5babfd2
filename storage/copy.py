"""Copy rows from SQLite to PostgreSQL, then read them back and compare."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from graphlib import TopologicalSorter

from psycopg import sql

from storage.database import Database
from storage.dialects import storable
from storage.postgres_connection import Connection

PAGE_SIZE = 1000
SKIPPED_TABLES = ("schema_version", "jobs")
"""The target has its own version, and the engine copies the jobs."""

Values = tuple[object, ...]


class CopyMismatch(Exception):
    """The rows read back from the target differ from those of the source."""


@dataclass(frozen=True, slots=True)
class Table:
    name: str
    columns: tuple[str, ...]
    key: tuple[str, ...]

    def select(self, *, is_first: bool) -> str:
        """Return the query for the page after the key given as :k0, :k1, …, in the order of the key."""
        key = ", ".join(self.key)
        after = "" if is_first else f"where ({key}) > ({', '.join(f':k{n}' for n in range(len(self.key)))})"
        return f"select {', '.join(self.columns)} from {self.name} {after} order by {key} limit {PAGE_SIZE}"


async def list_tables(source: Database) -> list[Table]:
    """Return the tables of a SQLite database, referenced tables first."""
    rows = await source.fetch_all("select name from sqlite_master where type = 'table' and name not like 'sqlite%'")
    names = {str(row["name"]) for row in rows} - {*SKIPPED_TABLES}
    references = await source.fetch_all(
        """
        select tables.name as name, keys."table" as other
        from sqlite_master as tables join pragma_foreign_key_list(tables.name) as keys where tables.type = 'table'
        """
    )
    graph: dict[str, set[str]] = {name: set() for name in sorted(names)}
    for row in references:
        graph[row["name"]].add(row["other"])
    return [await _describe(source, name) for name in TopologicalSorter(graph).static_order()]


async def _describe(source: Database, name: str) -> Table:
    columns = await source.fetch_all("select name, pk from pragma_table_info(:name) order by cid", name=name)
    key = sorted((row["pk"], row["name"]) for row in columns if row["pk"])
    return Table(name, tuple(row["name"] for row in columns), tuple(column for _, column in key))


async def is_empty(connection: Connection, tables: list[Table]) -> bool:
    for name in [*(table.name for table in tables), "procrastinate_jobs"]:
        cursor = await connection.execute(sql.SQL("select 1 from {} limit 1").format(sql.Identifier(name)))
        if await cursor.fetchone():
            return False
    return True


async def copy_table(connection: Connection, source: Database, table: Table) -> int:
    """Copy the rows of a table, verify them and return how many there are. Raises `CopyMismatch`."""
    count = 0
    async for page in _read_source(source, table):
        await _write(connection, table, page)
        count += len(page)
    target = _read_target(connection, table)
    async for page in _read_source(source, table):
        if page != await anext(target, []):
            raise CopyMismatch(f"The rows of {table.name} are not the same after copying")
    if await anext(target, []):
        raise CopyMismatch(f"There are more rows of {table.name} after copying than before")
    await _restart_sequence(connection, table)
    return count


async def _write(connection: Connection, table: Table, page: list[Values]) -> None:
    names = sql.SQL(", ").join(map(sql.Identifier, table.columns))
    statement = sql.SQL("copy {} ({}) from stdin").format(sql.Identifier(table.name), names)
    async with connection.cursor() as cursor, cursor.copy(statement) as copying:
        for row in page:
            await copying.write_row(row)


async def _read_source(source: Database, table: Table) -> AsyncIterator[list[Values]]:
    after: dict[str, object] = {}
    while rows := await source.fetch_all(table.select(is_first=not after), **after):
        yield [tuple(storable(row[name]) for name in table.columns) for row in rows]
        after = {f"k{n}": rows[-1][name] for n, name in enumerate(table.key)}


async def _read_target(connection: Connection, table: Table) -> AsyncIterator[list[Values]]:
    cursor = sql.Identifier("copied")
    key = sql.SQL(", ").join(map(sql.Identifier, table.key))
    columns = sql.SQL(", ").join(map(sql.Identifier, table.columns))
    query = sql.SQL("select {} from {} order by {}").format(columns, sql.Identifier(table.name), key)
    await connection.execute(sql.SQL("declare {} no scroll cursor for {}").format(cursor, query))
    while rows := await (await connection.execute(sql.SQL("fetch {} from {}").format(PAGE_SIZE, cursor))).fetchall():
        yield [tuple(row[column] for column in table.columns) for row in rows]
    await connection.execute(sql.SQL("close {}").format(cursor))


async def _restart_sequence(connection: Connection, table: Table) -> None:
    """Continue numbering after the copied rows."""
    for column in table.key:
        cursor = await connection.execute("select pg_get_serial_sequence(%s, %s) as sequence", [table.name, column])
        row = await cursor.fetchone()
        if row and row["sequence"]:
            newest = sql.SQL("select setval({}, (select coalesce(max({}), 0) + 1 from {}), false)")
            await connection.execute(
                newest.format(sql.Literal(row["sequence"]), sql.Identifier(column), sql.Identifier(table.name))
            )
