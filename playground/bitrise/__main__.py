"""Serve a practice Bitrise alone: ``python -m playground.bitrise`` prints its URL and a token."""

from __future__ import annotations

import argparse
import asyncio
from datetime import timedelta

from playground.bitrise import Artifact, PracticeBitrise, TriggerRule, User, Workflow, Workspace, aab, apk, ipa
from playground.bitrise.history import seed_history
from playground.clock import ScaledClock
from playground.signals import wait_for_stop

ARTIFACTS = (ipa(), apk(), aab(), Artifact("test-report.html"))


def furnish(bitrise: PracticeBitrise) -> tuple[Workspace, User]:
    """Create a workspace with three apps, two months of builds, and a user for the bot."""
    workspace, user = bitrise.add_workspace("Acme", concurrency=4), bitrise.add_user("bitrise-bot")
    created_at = bitrise.now() - timedelta(days=400)
    workflows = {
        "primary": Workflow(timedelta(minutes=3), jitter=0.3, failure_rate=0.15),
        "deploy": Workflow(timedelta(minutes=7), jitter=0.2, failure_rate=0.1, artifacts=ARTIFACTS),
    }
    for title, kind in (("iOS Shop", "ios"), ("Android Shop", "android"), ("Backend", "other")):
        rules = (TriggerRule(workflow="primary"), TriggerRule("tag", workflow="deploy"))
        app = bitrise.add_app(
            title, workspace, project_type=kind, workflows=workflows, trigger_map=rules, created_at=created_at
        )
        seed_history(bitrise, app)
    return workspace, user


async def serve(port: int, speed: float) -> None:
    bitrise = PracticeBitrise(ScaledClock(speed), port=port, journal_limit=1000)
    workspace, user = furnish(bitrise)
    await bitrise.start()
    print(f"API               {bitrise.api_url}")
    print(f"personal token    {bitrise.add_token(user)}")
    print(f"workspace token   {bitrise.add_workspace_token(workspace)}", flush=True)
    await wait_for_stop()
    await bitrise.stop()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m playground.bitrise", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0 takes any free one (the default)")
    parser.add_argument("--speed", type=float, default=1.0, help="how many times as fast as the wall clock builds go")
    arguments = parser.parse_args()
    asyncio.run(serve(arguments.port, arguments.speed))


if __name__ == "__main__":
    main()
