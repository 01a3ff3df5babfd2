"""The manifest: valid for Slack, built from the settings, equal to the file in the repository."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from bot.__main__ import main
from bot.manifest import build_manifest, to_yaml
from bot.settings import Settings

ROOT = Path(__file__).parents[2]
SCHEMA = ROOT.parent / "shared" / "facts" / "data" / "slack-manifest.schema.json"
PUBLIC: dict[str, Any] = {"public_url": "https://buildbell.example.com", "slack_signing_secret": "8f7e6d"}


@pytest.fixture(autouse=True)
def empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


MODES: list[dict[str, Any]] = [{}, {"slack_app_token": "xapp-1", **PUBLIC}, PUBLIC, {"command": "/" + "b" * 24}]


@pytest.mark.parametrize("given", MODES)
def test_manifest_matches_the_schema_of_slack(given: dict[str, Any]) -> None:
    if not SCHEMA.exists():
        pytest.skip(f"Slack's manifest schema is not at {SCHEMA}")
    schema = json.loads(SCHEMA.read_text())
    jsonschema.validate(build_manifest(Settings(**given)), schema)


@pytest.mark.parametrize("given", MODES)
def test_yaml_is_equal_to_the_manifest(given: dict[str, Any]) -> None:
    made = build_manifest(Settings(**given))
    assert yaml.safe_load(to_yaml(made)) == made


def test_file_in_the_repository_is_the_default_output(capsys: pytest.CaptureFixture[str]) -> None:
    main(["manifest"])
    assert capsys.readouterr().out == (ROOT / "manifest.yml").read_text(), "run: buildbell manifest > manifest.yml"


def addresses(value: object) -> set[str]:
    if isinstance(value, dict):
        return set().union(*(addresses(item) for item in value.values()))
    if isinstance(value, list):
        return set().union(*(addresses(item) for item in value))
    return {value} if isinstance(value, str) and value.startswith("http") else set()


def test_manifest_for_socket_mode_has_no_url() -> None:
    made = build_manifest(Settings(slack_app_token="xapp-1", public_url="https://buildbell.example.com"))
    assert made["settings"]["socket_mode_enabled"] is True
    assert addresses(made) == set()


def test_manifest_for_http_mode_has_one_url() -> None:
    made = build_manifest(Settings(**PUBLIC))
    url = "https://buildbell.example.com/slack/events"
    assert made["settings"]["socket_mode_enabled"] is False
    assert addresses(made) == {url}
    assert all(command["url"] == url for command in made["features"]["slash_commands"])
    interactivity = made["settings"]["interactivity"]
    assert interactivity["message_menu_options_url"] == interactivity["request_url"] == url
    assert made["settings"]["event_subscriptions"]["request_url"] == url


def test_http_mode_without_a_public_url_is_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("BUILDBELL_SLACK_SIGNING_SECRET", "8f7e6d")
    with pytest.raises(SystemExit) as stop:
        main(["manifest"])
    assert stop.value.code == 2
    assert "BUILDBELL_PUBLIC_URL is not set" in capsys.readouterr().err


def test_incomplete_oauth_is_refused(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Its manifest would be for one workspace although many are intended."""
    monkeypatch.setenv("BUILDBELL_SLACK_CLIENT_ID", "12.34")
    with pytest.raises(SystemExit) as stop:
        main(["manifest"])
    assert stop.value.code == 2
    assert "BUILDBELL_SLACK_CLIENT_SECRET is not set" in capsys.readouterr().err


def test_commands_have_the_name_in_the_settings() -> None:
    made = build_manifest(Settings(command="/ship"))
    commands = made["features"]["slash_commands"]
    assert [command["command"] for command in commands] == ["/ship", "/ship-status", "/ship-abort"]
    assert all(command["should_escape"] for command in commands)
    assert "/build" not in json.dumps(made)


def test_manifest_requests_only_needed_scopes() -> None:
    needed = ["commands", "chat:write", "links:read", "links:write", "users:read"]
    optional = ["app_mentions:read", "chat:write.public", "files:write", "users:read.email"]
    scopes = build_manifest(Settings())["oauth_config"]["scopes"]
    assert scopes == {"bot": [*needed, *optional], "bot_optional": optional}


@pytest.mark.parametrize("given", MODES)
def test_optional_scopes_are_a_subset_of_the_scopes(given: dict[str, Any]) -> None:
    """https://docs.slack.dev/authentication/installing-with-oauth: Slack refuses the pasted manifest otherwise."""
    scopes = build_manifest(Settings(**given))["oauth_config"]["scopes"]
    assert set(scopes["bot_optional"]) < set(scopes["bot"])
    assert len(set(scopes["bot"])) == len(scopes["bot"])


MANY: dict[str, Any] = {**PUBLIC, "slack_client_id": "12.34", "slack_client_secret": "x" * 32}


@pytest.mark.parametrize("more", [{}, {"slack_app_token": "xapp-1"}])
def test_manifest_for_oauth_has_the_redirect_url(more: dict[str, Any]) -> None:
    made = build_manifest(Settings(**MANY, **more))
    assert made["oauth_config"]["redirect_urls"] == ["https://buildbell.example.com/slack/oauth_redirect"]
    assert made["settings"]["org_deploy_enabled"] is True
    assert made["settings"]["token_rotation_enabled"] is True
    if SCHEMA.exists():
        jsonschema.validate(made, json.loads(SCHEMA.read_text()))


def test_manifest_without_oauth_has_no_redirect_url() -> None:
    made = build_manifest(Settings(**PUBLIC))
    assert "redirect_urls" not in made["oauth_config"]
    assert made["settings"]["org_deploy_enabled"] is made["settings"]["token_rotation_enabled"] is False


def test_oauth_without_a_public_url_is_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("BUILDBELL_SLACK_CLIENT_ID", "12.34")
    monkeypatch.setenv("BUILDBELL_SLACK_CLIENT_SECRET", "x" * 32)
    with pytest.raises(SystemExit) as stop:
        main(["manifest"])
    assert stop.value.code == 2
    assert "BUILDBELL_PUBLIC_URL is not set" in capsys.readouterr().err
