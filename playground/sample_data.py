"""Sample data of the playground: the people, channels and apps of Acme, with months of past builds."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from pydantic import SecretStr

from bot.manifest import build_manifest
from bot.settings import Settings
from playground.bitrise import App, Artifact, PracticeBitrise, TriggerRule, Workflow
from playground.bitrise import Workspace as BitriseWorkspace
from playground.bitrise.artifacts import ipa
from playground.bitrise.history import History, seed_history
from playground.bitrise.sample_logs import XCODEBUILD
from playground.slack import Channel, Installation, PracticeSlack, Team, User

DAYS_OF_HISTORY = 90
PARTNER = "Partner"
MACHINES = 4
"""Builds that Acme may run at once."""

USUAL = {
    "lint": Workflow(timedelta(seconds=40), queue=timedelta(seconds=5), jitter=0.2, failure_rate=0.05),
    "test": Workflow(timedelta(minutes=4), jitter=0.2, failure_rate=0.15),
    "deploy": Workflow(timedelta(minutes=7), jitter=0.15, failure_rate=0.08),
}
"""Workflows of every app, which its past builds ran."""
STEPS = {
    "ios": {"lint": "swiftlint", "test": "xcode-test", "deploy": "xcode-archive"},
    "android": {"lint": "android-lint", "test": "android-unit-test", "deploy": "android-build"},
    "flutter": {"lint": "flutter-analyze", "test": "flutter-test", "deploy": "flutter-build"},
}
"""The step that does the work of each workflow, by project type."""
INSTALLABLE = (ipa(), Artifact("test-report.html"))
PARTICULAR = {
    "integration": Workflow(
        timedelta(minutes=2),
        steps=("git-clone", "xcode-test", "deploy-to-bitrise-io"),
        failed_step="xcode-test",
        log=XCODEBUILD,
    ),
    "changed-only": Workflow(
        timedelta(seconds=35), outcome="aborted-with-success", reason="[no-changes] nothing under apps/shop has changed"
    ),
    "endless": Workflow(None),
}
"""Workflows of iOS Shop that fail, are skipped, or never finish."""
TRIGGERS = (
    TriggerRule(workflow="lint"),
    TriggerRule(pattern="release/*", workflow="test"),
    TriggerRule("pull-request", workflow="test"),
    TriggerRule("tag", workflow="deploy"),
)


def found_team(slack: PracticeSlack) -> tuple[Team, dict[str, User], dict[str, Channel]]:
    """Create Acme: Ada is an admin, Ana and Bo are engineers, Gus is a Slack Connect guest."""
    team, partner = slack.add_team("Acme"), slack.add_team(PARTNER)
    people = {
        "ada": slack.add_user(team, "ada", admin=True, real_name="Ada Okafor"),
        "ana": slack.add_user(team, "ana", real_name="Ana Diaz"),
        "bo": slack.add_user(team, "bo", real_name="Bo Li"),
        "gus": slack.add_user(partner, "gus", real_name="Gus Berg"),
    }
    ours = [people[name] for name in ("ada", "ana", "bo")]
    channels = {
        "general": slack.add_channel(team, "general", members=ours),
        "ios": slack.add_channel(team, "ios", members=ours),
        "android": slack.add_channel(team, "android", members=ours),
        "leads": slack.add_channel(team, "leads", private=True, members=ours[:2]),
        "partners": slack.add_channel(team, "partners", members=ours),
    }
    slack.share(channels["partners"], partner)
    slack.invite(channels["partners"], people["gus"])
    return team, people, channels


def install_bot(slack: PracticeSlack, team: Team, channels: dict[str, Channel], *, site_url: str) -> Installation:
    """Install the bot by its manifest and invite it to every channel except the private one."""
    manifest = build_manifest(
        Settings(_env_file=None, slack_app_token=SecretStr("xapp-practice"), bitrise_site_url=site_url)
    )
    app = slack.install(manifest, team)
    for name, channel in channels.items():
        if name != "leads":
            slack.invite(channel, app.bot_user)
    return app


def furnish_bitrise(bitrise: PracticeBitrise, *, days: int = DAYS_OF_HISTORY) -> tuple[dict[str, App], str]:
    """Create three apps with past builds and the token of a user who may manage them all."""
    acme = bitrise.add_workspace("Acme", concurrency=MACHINES)
    owner = bitrise.add_user("ci-bot")
    apps = {
        "shop": _add_app(bitrise, acme, "iOS Shop", "ios", "shop"),
        "droid": _add_app(bitrise, acme, "Android Shop", "android", "shop-android"),
        "courier": _add_app(bitrise, acme, "Courier", "flutter", "courier"),
    }
    for app in apps.values():
        seed_history(bitrise, app, History(days=days))
        # From now on builds fail only when somebody lets them.
        app.workflows = {name: replace(workflow, failure_rate=0) for name, workflow in app.workflows.items()}
    apps["shop"].workflows.update(PARTICULAR)  # after the history, which holds ordinary builds only
    apps["shop"].pipelines["release"] = [["lint", "test"], ["deploy"]]
    return apps, bitrise.add_token(owner, role="admin")


def _add_app(bitrise: PracticeBitrise, owner: BitriseWorkspace, title: str, kind: str, repository: str) -> App:
    workflows = {
        name: replace(workflow, steps=("activate-ssh-key", "git-clone", STEPS[kind][name], "deploy-to-bitrise-io"))
        for name, workflow in USUAL.items()
    }
    if kind == "ios":
        workflows["deploy"] = replace(workflows["deploy"], artifacts=INSTALLABLE)
    return bitrise.add_app(
        title,
        owner,
        project_type=kind,
        repo_owner="acme",
        repo_slug=repository,
        branches=("main", "develop", "release/3.2"),
        workflows=workflows,
        trigger_map=TRIGGERS,
        created_at=bitrise.now() - timedelta(days=400),
    )


def quicker(workflow: Workflow, speed: float) -> Workflow:
    """Return the workflow on machines that are ``speed`` times as fast."""
    return replace(
        workflow,
        duration=None if workflow.duration is None else workflow.duration / speed,
        queue=workflow.queue / speed,
        boot=workflow.boot / speed,
    )
