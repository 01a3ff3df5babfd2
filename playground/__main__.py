"""``python -m playground``: the demo; ``python -m playground tour``: the main journey, played by itself."""

from __future__ import annotations

if __name__ == "__main__":
    try:
        from playground.demo import main  # takes a second, in which somebody may change their mind

        code = main()
    except KeyboardInterrupt:
        code = 130
    raise SystemExit(code)
