"""Environments by name, once Gymnasium is installed."""

from typing import Any

from physadv.beyond.play import Env


def environment(name: str, **settings: Any) -> Env:
    """Return a new environment by Gymnasium's name; `physadv/Catch-v0` is ours.

    Raises `UserError` where the extra `beyond` is not installed, and for a name or settings that
    Gymnasium does not take.
    """
    from physadv.beyond.gymnasium import made

    return made(name, settings)
