"""`python -m bot` as a script calls it, alone and beside a running bot. The rest of the commands: tests/cli."""

from __future__ import annotations

import json

from tests.processes.scene import ROOT, Scene


async def test_the_manifest_is_the_one_in_the_repository(bare_scene: Scene) -> None:
    code, manifest = await bare_scene.command_line("manifest", bitrise_site_url="")
    assert (code, manifest.log) == (0, "")
    assert manifest.out == (ROOT / "manifest.yml").read_text()


async def test_every_missing_setting_gets_its_sentence(bare_scene: Scene) -> None:
    nothing = {"slack_bot_token": "", "slack_app_token": "", "slack_signing_secret": "", "encryption_keys": ""}
    code, run = await bare_scene.command_line("run", **nothing)
    assert (code, run.out, len(run.said)) == (2, "", 3), run.log
    for name, line in zip(("SLACK_BOT_TOKEN", "SLACK_APP_TOKEN", "ENCRYPTION_KEYS"), run.said, strict=True):
        assert line.startswith("buildbell: ")
        assert f"BUILDBELL_{name}" in line
    assert not bare_scene.database_path.exists()


async def test_beside_a_running_bot_builds_are_exported_all_is_well_and_migrating_is_refused(scene: Scene) -> None:
    bot = await scene.run_bot()
    code, exported = await scene.command_line("export", "--format", "json")
    assert (code, exported.log, json.loads(exported.out)) == (0, "", [])
    code, doctor = await scene.command_line("doctor", port="0")
    assert code == 0, doctor.out
    code, migrate = await scene.command_line("migrate")
    assert (code, len(migrate.said)) == (2, 1), migrate.log
    assert "Another process is using" in migrate.said[0]
    assert bot.is_alive
