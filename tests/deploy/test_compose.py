"""compose.yaml: taken by compose's own schema; two bots that agree about one PostgreSQL; no secret in it."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from importlib import resources
from typing import Any
from urllib.parse import urlsplit

import pytest
from dotenv import dotenv_values
from jsonschema import Draft202012Validator, ValidationError

from bot import __version__
from bot.settings import Settings
from tests.deploy.files import GOODBYES_SECONDS, ROOT, read_yaml, unknown_settings

Compose = dict[str, Any]
COMPOSE: Compose = read_yaml(ROOT / "compose.yaml")
SCHEMA = resources.files("check_jsonschema") / "builtin_schemas" / "vendor" / "compose-spec.json"
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
BOTS = {name: service for name, service in SERVICES.items() if service["image"].startswith("buildbell:")}
POSTGRES = SERVICES["postgres"]


def validate(compose: Compose) -> None:
    Draft202012Validator(json.loads(SCHEMA.read_text())).validate(compose)


# What compose says.


def test_compose_takes_it() -> None:
    validate(COMPOSE)


def misspell(compose: Compose) -> None:
    compose["services"]["bot-1"]["stop_grace"] = "20s"


def retype(compose: Compose) -> None:
    compose["services"]["bot-1"]["cap_drop"] = "ALL"


def leave_out(compose: Compose) -> None:
    del compose["services"]["bot-1"]["depends_on"]["postgres"]["condition"]


@pytest.mark.parametrize("spoil", [misspell, retype, leave_out])
def test_it_would_refuse_what_is_wrong(spoil: Callable[[Compose], None]) -> None:
    wrong = copy.deepcopy(COMPOSE)
    spoil(wrong)
    with pytest.raises(ValidationError):
        validate(wrong)


# Two bots and PostgreSQL.


def test_two_bots_of_this_version_and_a_postgresql_of_one_major_version() -> None:
    assert [bot["image"] for bot in BOTS.values()] == [f"buildbell:{__version__}"] * 2
    assert SERVICES.keys() - BOTS.keys() == {"postgres"}
    name, _, tag = POSTGRES["image"].partition(":")
    assert (name, tag.isdigit()) == ("postgres", True)


def test_the_bots_are_equal_but_for_their_ports() -> None:
    first, second = ({k: v for k, v in bot.items() if k not in ("ports", "build")} for bot in BOTS.values())
    assert first == second


def test_one_is_built_and_none_is_fetched() -> None:
    assert [bot["build"] for bot in BOTS.values() if "build" in bot] == ["."]
    assert {bot["pull_policy"] for bot in BOTS.values()} == {"never"}


def test_bots_wait_for_a_postgresql_that_answers() -> None:
    for bot in BOTS.values():
        assert bot["depends_on"] == {"postgres": {"condition": "service_healthy"}}
    command, *options = POSTGRES["healthcheck"]["test"][1:]
    given = POSTGRES["environment"]
    assert command == "pg_isready"
    assert {f"--username={given['POSTGRES_USER']}", f"--dbname={given['POSTGRES_DB']}"} <= set(options)


def test_what_postgresql_stores_outlives_it() -> None:
    (mount,) = POSTGRES["volumes"]
    volume, _, path = mount.partition(":")
    assert volume in COMPOSE["volumes"]
    assert path == "/var/lib/postgresql", "where images from 18 on keep each major version's folder"


def test_nobody_else_reaches_them() -> None:
    ports = [port for bot in BOTS.values() for port in bot["ports"]]
    assert len(set(ports)) == len(ports) == 2
    assert {(port.split(":")[0], port.split(":")[2]) for port in ports} == {("127.0.0.1", "3000")}
    assert "ports" not in POSTGRES


# True about the bot.


def test_every_setting_is_one() -> None:
    assert unknown_settings((ROOT / "compose.yaml").read_text()) == []


def test_over_the_example_they_make_settings_for_many(monkeypatch: pytest.MonkeyPatch) -> None:
    (given,) = {json.dumps(bot["environment"]) for bot in BOTS.values()}
    example = {name: value or "" for name, value in dotenv_values(ROOT / ".env.example").items()}
    for name, value in (example | json.loads(given)).items():
        monkeypatch.setenv(name, value)
    settings = Settings(_env_file=None)
    url = urlsplit(settings.database_url.get_secret_value())
    assert (url.scheme, url.hostname, url.password) == ("postgresql", "postgres", None)
    assert (url.username, url.path) == (POSTGRES["environment"]["POSTGRES_USER"], "/buildbell")
    assert url.path == f"/{POSTGRES['environment']['POSTGRES_DB']}"
    assert (settings.host, settings.port) == ("0.0.0.0", 3000)


def test_the_password_is_asked_for_and_nowhere_in_clear() -> None:
    asked = {POSTGRES["environment"]["POSTGRES_PASSWORD"], *(bot["environment"]["PGPASSWORD"] for bot in BOTS.values())}
    (same,) = asked
    assert same.startswith("${POSTGRES_PASSWORD:?")
    assert all(bot["env_file"] == ".env" for bot in BOTS.values())


def test_there_is_time_to_end() -> None:
    needed = Settings(_env_file=None).shutdown_seconds + GOODBYES_SECONDS
    for bot in BOTS.values():
        assert float(bot["stop_grace_period"].removesuffix("s")) >= needed


def test_they_may_do_little() -> None:
    for bot in BOTS.values():
        assert (bot["read_only"], bot["cap_drop"]) == (True, ["ALL"])
        assert bot["security_opt"] == ["no-new-privileges:true"]
