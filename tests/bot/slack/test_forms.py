"""Forms, drawn and read back: what a person fills in is what the bot is told."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.apps import AppNames
from bot.builds.abort import AbortParameters
from bot.builds.start import StartParameters
from bot.domain.abort_reasons import REASONS_TO_CHOOSE, Reason
from bot.slack import fields, forms
from bot.slack.build_text import BuildView
from bot.slack.forms import FormRefused
from bot.workspaces import connect_form
from commands import abort_form, home, start_fields
from commands import settings as settings_form
from commands import suggestions as targets
from commands.suggestions import Target, app_of, app_option, branch_option, target_option
from storage.apps import AppRow, ChannelRow
from storage.workspaces import WorkspaceRow

Make = Callable[..., BuildView]
SeenView = Callable[[dict[str, Any]], str]

FULL: dict[str, Any] = {
    "app_slug": app_option("a1", "iOS Shop"),
    "target": target_option(Target("deploy")),
    "branch": branch_option("release/3.2"),
    "revision": "a1b2c3d",
    "environment": "FLAVOR=beta\nEMPTY=\n\nURL=https://x.io/?a=b",
    "message": "try the new login",
    "anyway": True,
}
WANTED = StartParameters(
    "a1",
    workflow="deploy",
    branch="release/3.2",
    commit="a1b2c3d",
    environment=(("FLAVOR", "beta"), ("EMPTY", ""), ("URL", "https://x.io/?a=b")),
    message="try the new login",
)
TOKEN = "bitpat_" + "x" * 40


def submitted(view: Mapping[str, Any], **typed: Any) -> dict[str, Any]:
    """The view as Slack sends it back: what was drawn filled in, then what is typed (keys with ``_`` for ``.``)."""
    values = {
        block["block_id"]: {block["block_id"]: held(block["element"])}
        for block in view["blocks"]
        if block["type"] == "input"
    }
    for name, value in typed.items():
        block_id = name.replace("_", ".", 1).replace("_", "-")
        values[block_id] = {block_id: value if isinstance(value, dict) else {"value": value}}
    return {**view, "state": {"values": values}}


def start_view(**changes: Any) -> dict[str, Any]:
    """The start form, filled in but for the changes."""
    return start_fields.FORM.view(channel_id="C1", **FULL | changes)


def held(element: dict[str, Any]) -> dict[str, Any]:
    return {
        "value": element.get("initial_value"),
        "selected_option": element.get("initial_option"),
        "selected_options": element.get("initial_options", []),
    }


def chosen(value: str, text: str = "…") -> dict[str, Any]:
    return {"selected_option": {"value": value, "text": {"type": "plain_text", "text": text}}}


# Start.


def test_the_start_form_is_read_as_it_was_filled_in(seen_view: SeenView) -> None:
    view = start_view()
    assert seen_view(view).splitlines()[:3] == ["App: iOS Shop", "Workflow or pipeline: deploy", "Branch: release/3.2"]
    assert start_fields.FORM.read(submitted(view)) == (WANTED, True)


def test_a_form_that_is_redrawn_keeps_what_was_entered_for_another_app() -> None:
    view = submitted(start_view(), start_app=chosen("a2", "Android Shop"))
    assert app_of({"view": view, "block_id": "start.branch"}) == "a2"
    again = forms.redrawn(view)
    assert app_of({"view": again, "block_id": "start.branch"}) == "a2"
    assert start_fields.FORM.read(submitted(again)) == (dataclasses.replace(WANTED, app_slug="a2"), True)


def test_the_app_the_form_opened_with_is_known_to_the_suggestions() -> None:
    assert app_of({"view": {**start_view(), "state": {"values": {}}}, "block_id": "start.target"}) == "a1"
    assert app_of({"view": {}}) is None


def test_an_empty_form_opens_and_names_what_is_missing(seen_view: SeenView) -> None:
    view = start_fields.FORM.view(note="The branch has moved &lt;b&gt;.")
    assert seen_view(view).startswith("The branch has moved &lt;b&gt;.")
    with pytest.raises(FormRefused) as refused:
        start_fields.FORM.read(submitted(view))
    assert set(refused.value.errors) == {"start.app", "start.target", "start.branch"}


@pytest.mark.parametrize(
    ("typed", "commit", "tag"),
    [
        ("", None, None),
        ("a1b2c3d", "a1b2c3d", None),
        ("A1B2C3D", "A1B2C3D", None),
        ("v3.2", None, "v3.2"),
        ("abc123", None, "abc123"),
        ("tag:20240801", None, "20240801"),
        ("Tag: 20240801", None, "20240801"),
        ("commit:20240801", "20240801", None),
        ("rc:1", None, "rc:1"),
    ],
)
def test_a_commit_or_a_tag(typed: str, commit: str | None, tag: str | None) -> None:
    view = submitted(start_view(**{"branch": None} if tag else {}), start_revision=typed)
    wanted, _ = start_fields.FORM.read(view)
    assert (wanted.commit, wanted.tag) == (commit, tag)


@pytest.mark.parametrize("typed", ["two words", "tag:", "commit:v3", "commit:"])
def test_neither_commit_nor_tag(typed: str) -> None:
    with pytest.raises(FormRefused) as refused:
        start_fields.FORM.read(submitted(start_view(), start_revision=typed))
    assert list(refused.value.errors) == ["start.revision"]


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ("FLAVOR", "Line 1: missing “=”."),
        ("A=1\n\n2B=3", "Line 3: “2B” isn't a variable name."),
        ("A B=1", "Line 1: “A B” isn't a variable name."),
        ("=secret", "Line 1:"),
        ("BUILDBELL_REQUEST=1", "Line 1: names starting with BUILDBELL_ are reserved."),
        ("A=1\nA=2", "Line 2: A is given twice."),
    ],
)
def test_a_wrong_variable_names_its_line_and_not_its_value(typed: str, told: str) -> None:
    with pytest.raises(FormRefused) as refused:
        start_fields.FORM.read(submitted(start_view(), start_environment=typed))
    assert refused.value.errors["start.environment"].startswith(told)
    assert "secret" not in refused.value.sentence


def test_environment_values_stay_out_of_reprs_and_metadata() -> None:
    view = start_view(environment="KEY=hidden-value")
    assert "hidden-value" not in view["private_metadata"]
    assert "hidden-value" not in repr(start_fields.FORM.read(submitted(view)))


ANY = st.none() | st.text(max_size=30) | st.sampled_from(["x" * 4_000, "<!channel>", "\n", "🚀" * 200])


INITIAL = st.fixed_dictionaries(
    {
        "app_slug": st.builds(app_option, ANY, ANY),
        "target": st.builds(target_option, st.none() | st.builds(Target, st.text(), st.booleans())),
        "branch": st.builds(branch_option, ANY),
        "revision": ANY,
        "environment": ANY,
        "message": ANY,
        "anyway": st.booleans(),
    }
)


@settings(max_examples=60, deadline=None)
@given(INITIAL)
def test_any_initial_values_can_be_drawn(seen_view: SeenView, initial: dict[str, Any]) -> None:
    assert seen_view(start_view(**initial))


NAMES = ["value", "selected_option", "selected_options", "text"]
JUNK = st.recursive(
    st.none() | st.booleans() | st.text(max_size=5),
    lambda inner: st.lists(inner) | st.fixed_dictionaries({}, optional=dict.fromkeys(NAMES, inner)),
)


@given(JUNK, st.sampled_from([1, 2, 3, 4]))
def test_broken_views_are_refused_and_crash_nothing(junk: Any, depth: int) -> None:
    names = ["start.branch", "abort.reason", "connect.token", "settings.branch"]
    within = {4: {each: {each: junk} for each in names}, 3: dict.fromkeys(names, junk)}.get(depth, junk)
    view: dict[str, Any] = {"state": {"values": within} if depth > 1 else junk, "private_metadata": "["}
    for read in (start_fields.FORM.read, abort_form.FORM.read, connect_form.FORM.read):
        with pytest.raises(FormRefused):
            read(view)


# What selects offer.


def test_what_is_typed_is_offered_too() -> None:
    offered = targets.target_options("dep", AppNames(("deploy", "test"), ("deploy-all",)))
    assert [option.value for option in offered if option] == ["w:deploy", "p:deploy-all", "w:dep"]
    offered = targets.branch_options("release/3", branches=["main", "release/3.2"])
    assert [option.value for option in offered if option] == ["release/3.2", "release/3"]
    assert offered[-1] == fields.option("Use “release/3”", "release/3")


def test_everything_is_offered_before_the_first_letter() -> None:
    assert len(targets.target_options("", AppNames(("a", "b")))) == 2
    assert [option.value for option in targets.branch_options("", branches=["main"]) if option] == ["main"]


def test_a_known_name_is_not_offered_twice() -> None:
    offered = targets.target_options("deploy", AppNames(("deploy",), ("deploy",)))
    assert [option.value for option in offered if option] == ["w:deploy", "p:deploy"]
    assert len(fields.options_ack(targets.branch_options("main", branches=["main", "main"]))["options"]) == 1


def test_apps_are_found_by_title_and_repository() -> None:
    apps = [
        AppRow("T1", "a1", "iOS Shop", "acme", "shop-ios", None, "ios", False),
        AppRow("T1", "a2", "Android Shop", "acme", "shop-android", None, "android", False),
    ]
    found = [targets.app_options(typed, apps) for typed in ("SHOP ios", "acme", "nothing", "")]
    assert [[option.value for option in options if option] for options in found] == [
        ["a1"],
        ["a1", "a2"],
        [],
        ["a1", "a2"],
    ]


def test_a_name_too_long_for_slack_is_not_offered_cut() -> None:
    assert fields.options_ack(targets.branch_options("", branches=["x" * 151, "main"]))["options"][0]["value"] == "main"


@given(st.text(), st.booleans())
def test_a_target_is_read_as_written(name: str, is_pipeline: bool) -> None:
    target = Target(name, is_pipeline)
    assert targets.read_target(target.value) == (target if name else None)


@pytest.mark.parametrize("value", ["", "w:", "x:deploy", "deploy"])
def test_what_is_no_target(value: str) -> None:
    assert targets.read_target(value) is None


# Stop.


def test_the_stop_form_is_read_as_it_was_filled_in(build: Make, seen_view: SeenView) -> None:
    view = abort_form.abort_form(build(pull_request_id=12), may_report_green=True, channel_id="C1")
    assert view["title"]["text"] == "Stop #812"
    assert "Sets the check of pull request #12." in seen_view(view)
    form = abort_form.FORM.read(
        submitted(
            view,
            abort_reason=chosen("wrong-target"),
            abort_sentence="wrong\nbranch",
            abort_report=chosen("green"),
            abort_quiet={"selected_options": [{"value": "quiet"}]},
        )
    )
    assert form == AbortParameters("b0001", Reason.WRONG_TARGET, "wrong branch", "green", skip_notifications=True)


def test_failed_is_reported_unless_somebody_chooses_otherwise(build: Make) -> None:
    view = submitted(abort_form.abort_form(build(), may_report_green=False, category=Reason.STUCK, sentence="hangs"))
    assert abort_form.FORM.read(view) == AbortParameters("b0001", Reason.STUCK, "hangs", "failed")


@pytest.mark.parametrize(("may", "offered"), [(True, ["failed", "green", "nothing"]), (False, ["failed", "nothing"])])
def test_green_is_only_offered_to_those_who_may(build: Make, may: bool, offered: list[str]) -> None:
    view = abort_form.abort_form(build(), may_report_green=may)
    radio = next(block for block in view["blocks"] if block.get("block_id") == "abort.report")
    assert [option["value"] for option in radio["element"]["options"]] == offered


def test_only_reasons_for_people_are_offered(build: Make) -> None:
    view = abort_form.abort_form(build(), may_report_green=False)
    select = next(block for block in view["blocks"] if block.get("block_id") == "abort.reason")
    assert [option["value"] for option in select["element"]["options"]] == [each.value for each in REASONS_TO_CHOOSE]


@pytest.mark.parametrize(
    ("reason", "field"), [("", "abort.reason"), ("lost-agent", "abort.reason"), ("other", "abort.sentence")]
)
def test_a_stop_needs_a_reason(build: Make, reason: str, field: str) -> None:
    view = submitted(abort_form.abort_form(build(), may_report_green=True), abort_reason=chosen(reason))
    with pytest.raises(FormRefused) as refused:
        abort_form.FORM.read(view)
    assert field in refused.value.errors


def test_nothing_to_stop_any_more(ended: Make, seen_view: SeenView) -> None:
    view = abort_form.build_finished(ended("succeeded"))
    assert seen_view(view).startswith("This build has already finished.\n✅ Succeeded")
    assert "submit" not in view


# Connect.


def test_the_connect_form_explains_and_reads_the_token(seen_view: SeenView) -> None:
    view = connect_form.connect_form(channel_id="C1", connected_as="Old <Bot>", failure="Bitrise refused the token.")
    told = seen_view(view)
    assert "Bitrise refused the token." in told
    assert "Connected as Old &lt;Bot&gt;." in told
    assert "workspace API token" in told
    form = connect_form.FORM.read(submitted(view, connect_token=f" “{TOKEN}”\n"))
    assert form.token == TOKEN
    assert TOKEN not in repr(form)


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        (None, "Paste a Bitrise token."),
        ("  ", "Paste a Bitrise token."),
        ("xoxb-" + "1" * 30, "That's a Slack token."),
        (f"my token {TOKEN}", "Tokens can't contain spaces."),
        ("bitpat_1", "That doesn't look like a Bitrise token"),
        ("ü" * 30, "That doesn't look like a Bitrise token"),
    ],
)
def test_a_wrong_token_is_not_repeated(typed: str | None, told: str) -> None:
    with pytest.raises(FormRefused) as refused:
        connect_form.FORM.read(submitted(connect_form.connect_form(), connect_token=typed))
    assert refused.value.sentence.startswith(told)
    assert not typed or not typed.strip() or typed not in refused.value.sentence


def test_how_the_check_went(seen_view: SeenView) -> None:
    assert "Verifying the token" in seen_view(connect_form.checking_view())
    assert "✅ *Connected as Acme CI, 14 apps.*" in seen_view(
        connect_form.connected_view("Acme CI", 14, command="/build")
    )
    assert "can't access any app yet" in seen_view(connect_form.connected_view("A", 0, command="/build"))


# Settings.

CHANNEL = ChannelRow("T1", "C1", "a1", "deploy", "main", "channel")


def test_the_settings_form_is_read_as_it_was_filled_in(seen_view: SeenView) -> None:
    view = settings_form.settings_form(CHANNEL, app_title="iOS Shop", aliases=[("shop", "iOS Shop"), ("droid", "a2")])
    assert "App: iOS Shop" in seen_view(view)
    assert app_of({"view": view, "block_id": "settings.target"}) == "a1"
    assert settings_form.FORM.read(submitted(view)) == settings_form.SettingsForm(
        "C1", "a1", Target("deploy"), "main", "channel", (("shop", "iOS Shop"), ("droid", "a2"))
    )


def test_a_channel_without_settings_has_an_empty_form() -> None:
    empty = ChannelRow("T1", "C1", None, None, None, "thread")
    view = settings_form.settings_form(empty, app_title=None, aliases=[])
    assert settings_form.FORM.read(submitted(view)) == settings_form.SettingsForm("C1", None, None, None, "thread", ())


def test_too_many_short_names_stay_as_they_are(seen_view: SeenView) -> None:
    many = [(f"name{each}", "iOS Shop") for each in range(300)]
    view = settings_form.settings_form(CHANNEL, app_title="iOS Shop", aliases=many)
    assert "They stay unchanged" in seen_view(view)
    assert settings_form.FORM.read(submitted(view)).aliases is None


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ("shop", "Line 1: use name = app."),
        ("shop =", "Line 1: use name = app."),
        ("\nmy/shop = a1", "Line 2: “my/shop” isn't a valid short name."),
        ("shop = a1\nSHOP = a2", "Line 2: “shop” is already defined."),
    ],
)
def test_a_wrong_short_name_names_its_line(typed: str, told: str) -> None:
    view = settings_form.settings_form(CHANNEL, app_title="iOS Shop", aliases=[])
    with pytest.raises(FormRefused) as refused:
        settings_form.FORM.read(submitted(view, settings_aliases=typed))
    assert refused.value.errors["settings.aliases"].startswith(told)


def test_a_workflow_needs_its_app() -> None:
    view = settings_form.settings_form(ChannelRow("T1", "C1", None, "w", None, "thread"), app_title=None, aliases=[])
    with pytest.raises(FormRefused) as refused:
        settings_form.FORM.read(submitted(view))
    assert list(refused.value.errors) == ["settings.app"]


def test_metadata_too_long_is_a_bug_of_ours() -> None:
    with pytest.raises(ValueError, match="too long: key"):
        forms.write_metadata({"key": "x" * 3_001})


# Home.


def facts(workspace: WorkspaceRow | None, **changes: Any) -> home.HomeFacts:
    known: dict[str, Any] = {"running": [], "recent": [], "may_connect": True}
    return home.HomeFacts(workspace=workspace, command="/build", **{**known, **changes})


def test_home_before_anything_is_connected(seen_view: SeenView, now: datetime) -> None:
    told = seen_view(home.home_view(facts(None), now=now))
    assert told.splitlines()[1] == "[Refresh] [Connect Bitrise]"
    assert "None of your builds is running." in told


def test_home_of_somebody_who_builds(
    build: Make, ended: Make, seen_view: SeenView, now: datetime, workspace: Callable[..., WorkspaceRow]
) -> None:
    known = facts(workspace(), running=[build()] * 40, recent=[ended("failed")] * 40, may_connect=False)
    told = seen_view(home.home_view(known, now=now))
    assert told.splitlines()[1] == "[Start a build] [Refresh]"
    assert "🔵 Running  iOS Shop · deploy  #812" in told
    assert told.count("❌ ") == home.RECENT_SHOWN


# Extra fields.

WITH_EXTRAS: forms.Form[dict[str, Any]] = forms.Form(
    "x.form", "x", title="X", submit="Save", record=dict,
    fields=(fields.Text("name", "Name"), fields.Text("note", "Note", optional=True, is_extra=True)),
)  # fmt: skip


def test_extra_fields_wait_behind_a_button() -> None:
    view = WITH_EXTRAS.view(name="one")
    assert [block["type"] for block in view["blocks"]] == ["input", "actions"]
    assert WITH_EXTRAS.read(submitted(view)) == {"name": "one", "note": ""}
    opened = WITH_EXTRAS.with_more(submitted(view, x_name="two"))
    assert [block["block_id"] for block in opened["blocks"]] == ["x.name", "x.note"]


def test_extra_fields_with_a_value_are_drawn_at_once() -> None:
    view = WITH_EXTRAS.view(name="one", note="because")
    assert WITH_EXTRAS.read(submitted(view)) == {"name": "one", "note": "because"}
