"""What every test stands on."""

from __future__ import annotations

import os

import pytest


@pytest.fixture(autouse=True)
def own_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """The settings of whoever runs the tests are not the settings under test."""
    for name in os.environ:
        if name.upper().startswith("BUILDBELL_"):
            monkeypatch.delenv(name)
