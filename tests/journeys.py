"""Count what a request passes through, and measure the house: ``python -m tests.journeys [--calls]``.

A journey is a story through the practice servers while `sys.setprofile` counts the functions of the product (bot,
commands, storage) on every thread. A call is a function or method entered: a coroutine counts once, however often it is
resumed. Lambdas, comprehensions, generator expressions, module bodies and generated methods don't count. A file counts
when one of its functions is entered. A journey ends when SQLite runs the insert it leads to, so that renames on the way
don't matter. Every journey runs twice and the second run counts, because the first one fills the caches of the process.
"""

from __future__ import annotations

import argparse
import ast
import asyncio
import contextlib
import re
import sqlite3
import sys
import tempfile
import threading
import tomllib
from collections.abc import Callable, Coroutine, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from types import FrameType
from typing import Any

from tests.world import World

ROOT = Path(__file__).parents[1]
PRODUCT = ("bot", "commands", "storage")
PREFIXES = tuple(f"{ROOT / package}/" for package in PRODUCT)
PLAIN_TYPES = {
    "str", "int", "float", "bool", "bytes", "None", "object", "Any", "Literal", "datetime", "timedelta", "date",
    "Sequence", "Mapping", "Iterable", "Collection", "list", "dict", "tuple", "set", "frozenset",
}  # fmt: skip
MANY_COLLABORATORS = 8
WAIT_SECONDS = 5.0
FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass
class Recorder:
    """Collects the calls between `start` and the SQL statement that begins with ``until``."""

    calls: list[str] = field(default_factory=list)
    is_complete: bool = False
    _until: str = ""
    _is_recording: bool = False
    _frames: dict[int, FrameType] = field(default_factory=dict)

    def start(self, until: str) -> None:
        self.calls, self._frames, self._until = [], {}, until
        self.is_complete, self._is_recording = False, True

    def stop(self) -> None:
        self._is_recording = False

    def on_profile(self, frame: FrameType, event: str, _argument: object) -> None:
        code = frame.f_code
        if not self._is_recording or event != "call" or code.co_name.startswith("<"):
            return
        if not code.co_filename.startswith(PREFIXES) or id(frame) in self._frames:  # another file, or a resumption
            return
        self._frames[id(frame)] = frame  # kept alive, so that no later frame gets the same id
        self.calls.append(f"{Path(code.co_filename).relative_to(ROOT)}:{code.co_qualname}")

    def on_statement(self, sql: str) -> None:
        if self._is_recording and " ".join(sql.split()).lower().startswith(self._until):
            self.is_complete, self._is_recording = True, False


def install(recorder: Recorder) -> None:
    """Watch this thread, every thread that starts from now on, and every SQLite connection."""

    class WatchedConnection(sqlite3.Connection):
        def __init__(self, *arguments: Any, **options: Any) -> None:
            super().__init__(*arguments, **options)
            self.set_trace_callback(recorder.on_statement)

    connect = sqlite3.connect

    def connect_watched(*arguments: Any, **options: Any) -> sqlite3.Connection:
        connection: sqlite3.Connection = connect(*arguments, **({"factory": WatchedConnection} | options))
        return connection

    sqlite3.connect = connect_watched  # type: ignore[assignment]
    threading.setprofile(recorder.on_profile)
    sys.setprofile(recorder.on_profile)


# The journeys.


async def start_by_command(world: World, recorder: Recorder) -> None:
    """Start a build in a workspace that has started one before, so that the names of its apps are in memory."""
    await world.say("/build shop deploy develop")
    await world.settled()
    recorder.start("insert into requests")
    await world.slack.command(world.ana, world.ios, "/build shop deploy main")
    await wait_until_complete(recorder)


async def notify_of_result(world: World, recorder: Recorder) -> None:
    """Let a sync see that a build has finished, in an app that the channel subscribes to."""
    await world.say("/build subscribe shop style:line")
    await world.passes(minutes=1)
    build = world.bitrise.start_build(world.shop, workflow="endless", triggered_by="webhook-github/octocat")
    await world.passes(minutes=2)
    world.bitrise.finish(build, "success")
    await world.settled()
    recorder.start("insert into outbox")
    while not recorder.is_complete and (at := world.clock.next_waking()) is not None:
        world.clock.move_to(at)
        await wait_until_complete(recorder)


async def wait_until_complete(recorder: Recorder) -> None:
    """Return when the last statement has run, or after a while. `World.settled` would add calls of its own."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(WAIT_SECONDS):
            while not recorder.is_complete:  # noqa: ASYNC110 - set by the writer's thread, too
                await asyncio.sleep(0.01)


@dataclass(frozen=True)
class Journey:
    title: str
    run: Callable[[World, Recorder], Coroutine[Any, Any, None]]
    max_files: int
    max_calls: int


JOURNEYS = (
    Journey("typed start to stored request", start_by_command, 14, 75),
    Journey("observed result to stored message of a subscribed channel", notify_of_result, 18, 250),
)


async def record(journey: Journey, recorder: Recorder) -> list[str]:
    """Return the calls of a journey in order. Raises `RuntimeError` if its last statement never ran."""
    with tempfile.TemporaryDirectory(prefix="buildbell-journey-") as folder:
        world = World(Path(folder))
        try:
            await world.open()
            await world.connect()
            await journey.run(world, recorder)
        finally:
            recorder.stop()
            await world.close()
    if not recorder.is_complete:
        raise RuntimeError(f"The journey {journey.title!r} did not reach its last statement.")
    return recorder.calls


# The house.


def measure_house() -> dict[str, tuple[str, str]]:
    """Return the measured value and the limit of each measure."""
    trees = [ast.parse(path.read_text()) for package in PRODUCT for path in (ROOT / package).rglob("*.py")]
    size = sum(len(path.read_text().splitlines()) for package in PRODUCT for path in (ROOT / package).rglob("*.py"))
    nodes = [node for tree in trees for node in list_functions(tree)]
    lengths = sorted(map(length, nodes))
    flat = [path for path in (ROOT / "bot").glob("*.py") if path.name != "__init__.py"]
    contract = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"][0]
    crowded = sum(count_collaborators(node) >= MANY_COLLABORATORS for node in nodes)
    return {
        "flat modules in bot/": (f"{len(flat)}", "24"),
        "layers in the contract": (f"{len(contract['layers'])}", "10"),
        "lines of wiring": (f"{count_wiring()}", "130"),
        f"functions with {MANY_COLLABORATORS} or more collaborators": (f"{crowded}", "0"),
        "lines of product": (f"{size:,}", "24,500"),
        "function length, median": (f"{median(lengths):g}", "6 to 10"),
        "function length, p90": (f"{lengths[len(lengths) * 9 // 10]}", "34"),
        "functions over 50 lines": (f"{sum(each > 50 for each in lengths)}", "0"),
    }


def list_functions(tree: ast.AST) -> Iterator[FunctionNode]:
    return (node for node in ast.walk(tree) if isinstance(node, FunctionNode))


def length(node: FunctionNode) -> int:
    return (node.end_lineno or node.lineno) - node.lineno + 1


def count_collaborators(node: FunctionNode) -> int:
    """Count the parameters that are more than plain values: objects of the product, clients, callables."""
    arguments = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
    annotations = [re.sub(r"'[^']*'", "", ast.unparse(each.annotation)) for each in arguments if each.annotation]
    return sum(not set(re.findall(r"\w+", annotation)) <= PLAIN_TYPES for annotation in annotations)


def count_wiring() -> int:
    """Count the lines of the context's module, of what fills it in `bot.app`, and of functions that only wire."""
    app = ROOT / "bot" / "app.py"
    trees = {path: ast.parse(path.read_text()) for path in (ROOT / "bot").rglob("*.py")}
    wiring = [node for node in list_functions(trees[app]) if calls(node, "Context")]
    wiring += [node for tree in trees.values() for node in list_functions(tree) if node.name.startswith("wire")]
    return len((ROOT / "bot" / "context.py").read_text().splitlines()) + sum(map(length, wiring))


def calls(node: ast.AST, name: str) -> bool:
    functions = (each.func for each in ast.walk(node) if isinstance(each, ast.Call))
    return any(isinstance(function, ast.Name) and function.id == name for function in functions)


# The report.


def report(journeys: Mapping[Journey, list[str]]) -> str:
    rows = [
        (
            journey.title,
            f"{len({call.partition(':')[0] for call in calls})} / {len(calls)}",
            f"{journey.max_files} / {journey.max_calls}",
        )
        for journey, calls in journeys.items()
    ]
    house = [(name, *values) for name, values in measure_house().items()]
    return f"{table(('Journey', 'files / calls', 'limit'), rows)}\n\n{table(('House', 'measured', 'limit'), house)}"


def table(columns: tuple[str, ...], rows: list[tuple[str, str, str]]) -> str:
    lines = [" | ".join(row) for row in (columns, ("---", "--:", "--:"), *rows)]
    return "\n".join(f"| {line} |" for line in lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", action="store_true", help="list the calls of each journey, in order")
    options = parser.parse_args()
    recorder = Recorder()
    install(recorder)
    for journey in JOURNEYS:
        asyncio.run(record(journey, recorder))
    journeys = {journey: asyncio.run(record(journey, recorder)) for journey in JOURNEYS}
    if options.calls:
        for journey, calls in journeys.items():
            print("\n  ".join((journey.title, *calls)), end="\n\n")
    print(report(journeys))


if __name__ == "__main__":
    main()
