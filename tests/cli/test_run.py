"""`buildbell run` that can't start: one sentence with the way out, and exit code 2."""

from __future__ import annotations

import sqlite3

import pytest

from tests.cli.conftest import CommandLine


async def refusal(scene: CommandLine, *arguments: str, **changed: str) -> str:
    """Return the one line that is printed."""
    code, run = await scene.call("run", *arguments, **changed)
    assert (code, run.out, len(run.said)) == (2, "", 1), run.printed
    return run.said[0]


async def test_every_wrong_setting_gets_its_sentence(bare_scene: CommandLine) -> None:
    wrong = {"slack_bot_token": "hunter2-secret", "port": "http", "sweep_seconds": "0", "database_url": "mysql://x"}
    code, run = await bare_scene.call("run", **wrong)
    assert (code, run.out, len(run.said)) == (2, "", 4), run.log
    assert all(any(f"BUILDBELL_{name.upper()} " in line for line in run.said) for name in wrong)
    assert "hunter2" not in run.printed


async def test_a_newer_database_is_refused(scene: CommandLine) -> None:
    connection = sqlite3.connect(scene.database_path)
    with connection:
        connection.execute("insert into schema_version (version) values (99)")
    connection.close()
    assert "The database has schema version 99" in await refusal(scene)


async def test_a_port_that_is_taken_is_refused(scene: CommandLine) -> None:
    line = await refusal(scene, port=str(scene.bitrise.port))
    assert f"Cannot listen on 127.0.0.1:{scene.bitrise.port}" in line
    assert line.endswith("Set BUILDBELL_PORT to a free port.")


async def test_an_address_of_another_machine_is_refused(scene: CommandLine) -> None:
    line = await refusal(scene, host="192.0.2.1", port="0")
    assert "Cannot listen on 192.0.2.1:0" in line
    assert "Set BUILDBELL_HOST to an address of this machine" in line


@pytest.mark.parametrize(
    ("wrong", "name"),
    [
        ({"slack_bot_token": "xoxb-1-wrong"}, "BUILDBELL_SLACK_BOT_TOKEN (invalid_auth)"),
        ({"slack_app_token": "xapp-1-wrong"}, "BUILDBELL_SLACK_APP_TOKEN (invalid_auth)"),
    ],
    ids=["bot token", "app token"],
)
async def test_a_token_slack_refuses_is_named(scene: CommandLine, wrong: dict[str, str], name: str) -> None:
    line = await refusal(scene, **wrong)
    assert line.startswith(f"buildbell: Slack rejected {name}")
    assert not any(value in line for value in wrong.values())


async def test_a_revoked_installation_is_refused(scene: CommandLine) -> None:
    scene.slack.revoke(scene.app)
    assert "BUILDBELL_SLACK_BOT_TOKEN" in await refusal(scene)


@pytest.mark.parametrize("role", ["web", "worker"])
async def test_one_process_on_sqlite_has_to_do_everything(bare_scene: CommandLine, role: str) -> None:
    line = await refusal(bare_scene, "--role", role)
    assert f"BUILDBELL_ROLE={role}" in line
    assert "PostgreSQL" in line
