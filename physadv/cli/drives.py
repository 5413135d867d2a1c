"""Drives past the sign, as the command line tells them."""

from typing import Any

from rich.table import Table
from torch import Tensor

from physadv.cli.show import console
from physadv.design.model import WorldPart
from physadv.evaluation import Drives, drive
from physadv.output.card import rate_facts
from physadv.presets import approach
from physadv.problem import Problem


def driven(
    problem: Problem, theta: Tensor, world: WorldPart, *, n: int, seed: int
) -> Drives | None:
    """Drive past the sign n times where the world is one of drives, else not at all."""
    way = None if world.photo is not None else approach(world.preset, world.changes)
    if way is None:
        return None
    return drive(problem, theta, n=n, seed=seed, approach=way)


def rule_text(drives: Drives) -> str:
    """Say when a drive counts."""
    rule = drives.rule
    return f"read as wanted in {rule.k} of the last {rule.m} frames before the stopping distance"


def drives_facts(drives: Drives) -> dict[str, Any]:
    """Return the outcome as plain values."""
    return {
        "rule": rule_text(drives),
        "reaction_s": drives.rule.reaction_s,
        "braking_m_per_s2": drives.rule.braking_m_per_s2,
        "frames": drives.frames,
        "stickers": rate_facts(drives.lost),
        "bare sign": rate_facts(drives.lost_bare),
        "by_distance_m": [
            {
                "from": one.low_m,
                "to": one.high_m,
                "stickers": rate_facts(one.stickers),
                "bare sign": rate_facts(one.bare),
            }
            for one in drives.bins
        ],
    }


def show_drives(drives: Drives) -> None:
    """Print the outcome: whole drives, then frames by distance."""
    table = Table(title=f"drives {rule_text(drives)}", title_justify="left")
    for name in ("", "stickers", "bare sign"):
        table.add_column(name, justify="right" if name else "left")
    table.add_row("drives", str(drives.lost), str(drives.lost_bare), end_section=True)
    for one in drives.bins:
        name = f"frames, {one.low_m:g} to {one.high_m:g} m"
        table.add_row(name, str(one.stickers), str(one.bare))
    console.print(table)
