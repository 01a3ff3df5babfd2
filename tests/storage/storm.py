"""Writes as much as it can for as long as it lives, and prints what is certainly on disk. Run by `test_faults`."""

from __future__ import annotations

import asyncio
import itertools
import sys
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from storage import Database, open_database


async def main(url: str) -> None:
    database = await open_database(url)
    await database.execute("create table notes (note_id text primary key, text text)")
    numbers = itertools.count()
    await asyncio.gather(*(write(database, numbers) for _ in range(20)))


async def write(database: Database, numbers: Iterator[int]) -> None:
    for number in numbers:
        await database.execute(
            "insert into notes (note_id, text) values (:note_id, :text)", note_id=str(number), text="x" * 2000
        )
        print(number, flush=True)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
