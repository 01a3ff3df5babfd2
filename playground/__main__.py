"""``python -m playground`` starts the demo, ``python -m playground tour`` plays the main journey."""

from __future__ import annotations

if __name__ == "__main__":
    try:
        from playground.demo import main  # takes a second, so Ctrl-C has to work before it

        code = main()
    except KeyboardInterrupt:
        code = 130
    raise SystemExit(code)
