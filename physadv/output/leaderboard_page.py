"""Writes the page of a benchmark: the ranking, heat maps, certificates, crashes and doubts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from physadv.core import Rate, wilson
from physadv.evaluation.suites import (
    ADAPTIVE,
    CERTIFY,
    STATIC,
    Cell,
    Failure,
    Kind,
    Outcome,
    Row,
    accuracy,
)
from physadv.output.attack_page import said
from physadv.output.html_page import write_page

LOW, MIDDLE, HIGH = (197, 90, 17), (247, 244, 238), (0, 94, 150)
"""Colours of 0, 50 and 100 per cent: orange to blue, which colour-blind people tell apart."""
DARK = 140
"""Luminance of a background, of 255, below which text on it is white."""


@dataclass(frozen=True)
class Spot:
    """A field of a heat map: what came of its cell, None where there is no such cell."""

    rate: Rate | None
    failure: Failure | None = None
    planned: bool = True

    @property
    def style(self) -> str:
        """Its colours, as CSS."""
        if self.rate is None:
            return ""
        back = shade(self.rate.share)
        luminance = 0.2126 * back[0] + 0.7152 * back[1] + 0.0722 * back[2]
        ink = "#fff" if luminance < DARK else "#1b1f23"
        return f"background:rgb{back};color:{ink}"


@dataclass(frozen=True)
class HeatMap:
    """Rows of a leaderboard by attacks: columns, and for each row a field a column."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Row, tuple[Spot, ...]], ...]


@dataclass(frozen=True)
class Proved:
    """What is certified of a victim behind a defence: rates by threat, or how that crashed."""

    row: Row
    rates: dict[str, Rate]
    clean: Rate | None
    failure: Failure | None


Results = Mapping[Cell, Outcome | Failure]


def write_leaderboard_page(
    path: Path,
    cells: Sequence[Cell],
    results: Results,
    rows: Sequence[Row],
    card: Mapping[str, Any],
    traces: Mapping[Cell, str],
) -> None:
    """Write the page; `traces` says where those of crashed cells are.

    Raises `UserError` for a path that cannot be written.
    """
    crashed = [(one, results[one], traces[one]) for one in cells if one in traces]
    values: dict[str, Any] = {
        "rows": rows,
        "threats": threats(rows),
        "adaptive": heat_map(ADAPTIVE, cells, results, rows),
        "static": heat_map(STATIC, cells, results, rows),
        "proved": certified(cells, results, rows),
        "crashed": crashed,
        "undone": sum(one not in results for one in cells),
        "card": card,
    }
    write_page(path, "leaderboard.html.j2", values, {"said": said, "shaded": _shaded})


def threats(rows: Sequence[Row]) -> list[str]:
    """Return the sizes of attacks, the smallest first as each row has them."""
    return list(dict.fromkeys(name for row in rows for name in row.threats))


def heat_map(
    kind: Kind, cells: Sequence[Cell], results: Results, rows: Sequence[Row]
) -> HeatMap | None:
    """Return the heat map of one kind of cells, None where there are none."""
    mine = {(one.victim, one.defence, one.told): one for one in cells if one.kind == kind}
    if not mine:
        return None
    columns = tuple(dict.fromkeys(told for *_, told in mine))
    shown = [row for row in rows if any((row.victim, row.defence, c) in mine for c in columns)]

    def spot(row: Row, told: str) -> Spot:
        cell = mine.get((row.victim, row.defence, told))
        found = None if cell is None else results.get(cell)
        if isinstance(found, Outcome):
            return Spot(accuracy(found))
        return Spot(None, found, cell is not None)

    return HeatMap(columns, tuple((row, tuple(spot(row, c) for c in columns)) for row in shown))


def certified(cells: Sequence[Cell], results: Results, rows: Sequence[Row]) -> list[Proved]:
    """Return what is certified, in the order of the leaderboard."""
    by_name = {(row.victim, row.defence): row for row in rows}
    found = list[Proved]()
    for cell in (one for one in cells if one.kind == CERTIFY and one in results):
        row, result = by_name[cell.victim, cell.defence], results[cell]
        if isinstance(result, Failure):
            found.append(Proved(row, {}, None, result))
            continue
        held = result.certified or {}
        rates = {name: wilson(sum(one), len(one)) for name, one in held.items()}
        found.append(Proved(row, rates, accuracy(result), None))
    return found


def shade(share: float) -> tuple[int, int, int]:
    """Return the colour (R, G, B) of a share, from 0 to 1."""
    ends = (LOW, MIDDLE) if share < 0.5 else (MIDDLE, HIGH)
    part = 2 * share if share < 0.5 else 2 * share - 1
    red, green, blue = (round(a + part * (b - a)) for a, b in zip(*ends, strict=True))
    return red, green, blue


def _shaded(rate: Rate | None) -> str:
    return Spot(rate).style
