"""Recomputes what a card says: hashes, pictures, sizes, conditions, and a sample of its figures."""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from physadv.core import load_rgba
from physadv.design import build_problem, build_victim
from physadv.judge import Report, judge
from physadv.output.card import conditions_facts, report_facts, tensor_digest, touch_facts
from physadv.output.folder import DESIGN, THETA
from physadv.output.pictures import found_picture
from physadv.output.shelf import Kept
from physadv.problem import Problem
from physadv.victims import Loaded

PICTURE = "patch.png"
NEEDED = (THETA, DESIGN, PICTURE)
"""What a kept design must hold; other files of its card may be left out."""
ROUNDED = 0.51 / 255
"""How far a picture's file may be from what is drawn: its 8 bits, and another machine's sums."""


@dataclass(frozen=True)
class Comparison:
    """One thing that a card says, what came of it, and whether the two agree."""

    what: str
    said: str
    found: str
    agrees: bool


def verify(
    kept: Kept, *, n: int = 40, device: str = "cpu", tick: Callable[[str], None] = lambda _: None
) -> list[Comparison]:
    """Check a kept design against its card; `tick` is told each stage's name.

    Its theta is judged under the first `n` (0: none) of the conditions that the card's own seed
    draws. With all of them counts should be equal; a rate of fewer, or of a machine that rounds
    otherwise, agrees where its 95 % interval meets the card's. Raises `UserError` where the
    problem cannot be built.
    """
    victim = build_victim(kept.design, device=device)
    problem = build_problem(kept.design, victim)
    found = [*_files(kept), *_identities(kept, victim), *_described(kept, problem)]
    measured = kept.card["measured"]
    if not n:
        return found
    report = judge(problem, kept.theta, seed=measured["seed"], n=measured["n"], tick=tick, first=n)
    return found + list(_sampled(measured, report))


def _files(kept: Kept) -> Iterator[Comparison]:
    said: Mapping[str, str] = kept.card.get("files", {})
    for name in dict.fromkeys((*NEEDED, *said)):
        path = kept.folder / name
        if not path.is_file():
            yield Comparison(name, "a file", "left out of the folder", name not in NEEDED)
        elif name in said:
            yield _same(name, said[name], hashlib.sha256(path.read_bytes()).hexdigest())


def _identities(kept: Kept, victim: Loaded) -> Iterator[Comparison]:
    card = kept.card
    yield _same("theta", card["theta"], tensor_digest(kept.theta))
    yield _same("design", card["design"]["digest"], kept.design.digest())
    yield _same("victim", card["victim"]["digest"], victim.digest())


def _same(what: str, said: str, found: str) -> Comparison:
    """Compare two digests."""
    return Comparison(what, f"sha256 {said[:12]}…", f"sha256 {found[:12]}…", said == found)


def _described(kept: Kept, problem: Problem) -> Iterator[Comparison]:
    """Compare the picture, the sizes and the world's spans with what they come from."""
    if (kept.folder / PICTURE).is_file():
        yield _picture(kept.folder / PICTURE, found_picture(problem, kept.theta))
    for what, now in touch_facts(kept.design, problem, kept.theta).items():
        yield _facts(what, kept.card.get(what, {}), now)
    if "conditions" in kept.card:
        yield _facts("conditions", kept.card["conditions"], conditions_facts(problem.declared()))


def _picture(path: Path, drawn: torch.Tensor) -> Comparison:
    there = torch.cat(load_rgba(path), dim=1)
    if there.shape != drawn.shape:
        size, wanted = tuple(there.shape[2:]), tuple(drawn.shape[2:])
        return Comparison("drawn by theta", f"{size} px", f"{wanted} px", agrees=False)
    off = float((there - drawn).abs().max())
    return Comparison("drawn by theta", PICTURE, f"off by {255 * off:.1f}/255", off < ROUNDED)


def _facts(what: str, said: Mapping[str, Any], now: Mapping[str, Any]) -> Comparison:
    """Compare plain data by name, as JSON would hold it."""
    found = json.loads(json.dumps(now))
    names = [name for name in sorted({*said, *found}) if said.get(name) != found.get(name)]
    if not names:
        return Comparison(what, f"{len(said)} of them", "the same", agrees=True)
    one = names[0]
    told = f"{one}: {found.get(one)}" + (f", and {len(names) - 1} more" if names[1:] else "")
    return Comparison(what, f"{one}: {said.get(one)}", told, agrees=False)


def _sampled(said: Mapping[str, Any], report: Report) -> Iterator[Comparison]:
    found = report_facts(report)
    rows = {"success": "success", "clean": "bare sign", "bare sign read correctly": "read"}
    for name, what in rows.items():
        if said.get(name) is not None and found[name] is not None:
            yield _rates(what, said[name], found[name])
    for name, rate in said["controls"].items():
        if name in found["controls"]:
            yield _rates(f"control: {name}", rate, found["controls"][name])
        else:
            yield Comparison(f"control: {name}", _told(rate), "no such control", agrees=False)


def _rates(what: str, said: Mapping[str, Any], found: Mapping[str, Any]) -> Comparison:
    """Agree where counts are equal, or the intervals meet."""
    equal = (said["hits"], said["n"]) == (found["hits"], found["n"])
    meet = found["low"] <= said["high"] and said["low"] <= found["high"]
    return Comparison(what, _told(said), _told(found), equal or meet)


def _told(rate: Mapping[str, Any]) -> str:
    interval = f"{100 * rate['low']:.1f}-{100 * rate['high']:.1f}"
    return f"{rate['hits']}/{rate['n']} ({interval} %)"
