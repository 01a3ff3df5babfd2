"""Buildbell itself in a role, also alone on SQLite, where the settings allow only both: then acks are measured apart
from the work they promise. ``python -m tests.benchmarks.peers.ours ROLE``; the rest is in BUILDBELL_… as always.
"""

from __future__ import annotations

import sys

import uvloop

from bot import logs as log
from bot.__main__ import keep_imports
from bot.app import serve
from bot.settings import read_settings

if __name__ == "__main__":
    log.configure("WARNING", "text")
    keep_imports()
    uvloop.run(serve(read_settings().model_copy(update={"role": sys.argv[1]})))
