"""What a measured printer is worth: stickers made with and without its profile, on a virtual rig.

`python -m tests.rig_experiment 0 1 2` prints one table. Each rig prints the colour chart and
photographs it; `calibrate` fits a profile. Stickers are optimised with the printer of no profile
and with the profile's: same mask, seeds and budget. The rig prints both, its own camera takes
the same photographs of both, and the recogniser is asked.
"""

import argparse
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track
from rich.table import Table

from physadv.attacks import Gradient
from physadv.calibration import Chart, calibrate
from physadv.core import Encoded, Ink, Rate, generator, spawn, wilson
from physadv.core.rate import Z95
from physadv.design import Design, build_problem, build_victim, design_from, placed
from physadv.output.colour_chart import chart_picture
from physadv.patch import ink as ink_of
from physadv.printing import Printer, Profile, hard
from physadv.problem import HARD_PX, Problem
from physadv.victims import Victim
from tests.rig_photos import Sheet, Shot, crop, shots
from tests.virtual_rig import OFFICE, PHOTO, Press, VirtualRig

RIGS = {"photo": PHOTO, "office": OFFICE}
CHART = Chart("A4")
CHART_SCALE, CHART_PX = 5.0, (1500, 1125)
SHOTS_SEED = 20_000
TARGET = "Speed limit (80km/h)"
Hits = NDArray[np.bool_]


@dataclass(frozen=True)
class Row:
    """One sticker without and one with the profile: what was foreseen, and what came.

    `foreseen` are rates by the simulator: the plain sticker under the plain printer and under the
    profile, the profile's sticker under the profile.
    """

    rig: str
    area_pct: float
    seed: int
    foreseen: tuple[Rate, Rate, Rate]
    plain: Hits
    profiled: Hits


def profile_of(press: Press, seed: int = 0) -> Profile:
    """Print the chart, photograph it, calibrate."""
    rig = VirtualRig(seed, press)
    photo = rig.photograph(rig.print(chart_picture(CHART, CHART_SCALE)), CHART_PX)
    return calibrate(photo).profile


def design(area_pct: float, steps: int) -> Design:
    return design_from({
        "name": "rig",
        "sign": "stop",
        "goal": {"target": TARGET},
        "sticker": {"area_pct": area_pct, "layout": "middle"},
        "attack": {"steps": steps},
    })  # fmt: skip


@lru_cache
def problem(area_pct: float) -> Problem:
    """Return the bundled recogniser and a stop sign in `lab`, with the printer of no profile."""
    wanted = design(area_pct, 1)
    victim = build_victim(wanted)
    return build_problem(placed(wanted, build_problem(wanted, victim)), victim)


def under(profile: Profile, plain: Problem) -> Problem:
    return replace(plain, world=replace(plain.world, printer=Printer.of(profile)))


def sticker(aim: Problem, seed: int, steps: int) -> torch.Tensor:
    """Search with a seed and a budget of steps; returns theta."""
    *_, last = Gradient(steps=steps).search(aim, generator(spawn(seed, "rig")), None)
    return last.best


def foreseen(aim: Problem, theta: torch.Tensor, n: int) -> Rate:
    """Return what the simulator says of a sticker."""
    seen = aim.judge(theta, aim.draw(n, generator(spawn(SHOTS_SEED, "judge"))))
    return wilson(int(seen.success.sum()), n)


def bare_sign(aim: Problem) -> Sheet:
    face = aim.world.scene.face(HARD_PX)
    light, cover = face.texture[0].permute(1, 2, 0).double(), face.cover[0, 0].double()
    return Sheet(face.size_mm, light.numpy(), cover.numpy(), np.array(face.outline_mm))


def stuck(aim: Problem, theta: torch.Tensor, rig: VirtualRig) -> Sheet:
    """Let the rig print a sticker's file and lay it on the sign."""
    with torch.no_grad():
        ink: Ink = hard(ink_of(aim.patch, theta, HARD_PX))
    where = ink.cover[0, 0].double().numpy()
    file = (255 * ink.colour[0].permute(1, 2, 0)).round().byte().numpy()
    printed = np.zeros(file.shape)
    printed[where > 0] = rig.print(file[where > 0][None])[0]
    return bare_sign(aim).stuck(printed, where)


def answers(victim: Victim, sheet: Sheet, given: list[Shot]) -> torch.Tensor:
    """Photograph a sign by the rig and ask the victim of each picture: scores (n,K)."""
    cuts = np.stack([crop(sheet, shot, victim.size_px[0]) for shot in given])
    pixels = Encoded(torch.from_numpy(cuts).permute(0, 3, 1, 2).float() / 255)
    with torch.no_grad():
        return victim(pixels).scores


def hits(aim: Problem, sheet: Sheet, given: list[Shot]) -> Hits:
    read = answers(aim.victim, sheet, given).argmax(dim=1)
    return np.asarray((read == aim.victim.labels.index(TARGET)).numpy())


def difference(plain: Hits, profiled: Hits) -> tuple[float, float, float]:
    """Return the paired difference of two rates and its 95 % interval.

    Agresti & Min 2005: Wald's interval after half a pair was added to each of the four cells.
    """
    n = len(plain) + 2
    gained = float((profiled & ~plain).sum()) + 0.5
    lost = float((plain & ~profiled).sum()) + 0.5
    middle = (gained - lost) / n
    half = Z95 * np.sqrt(gained + lost - (gained - lost) ** 2 / n) / n
    return float(profiled.mean() - plain.mean()), middle - half, middle + half


def rows(
    rigs: list[str], areas_pct: list[float], seeds: list[int], *, steps: int, n: int
) -> Iterator[Row]:
    """Run the experiment; a plain sticker is searched once for all rigs."""
    given = shots(n, SHOTS_SEED)
    profiles = {name: profile_of(RIGS[name]) for name in rigs}
    for area_pct in areas_pct:
        bare = problem(area_pct)
        for seed in seeds:
            plain = sticker(bare, seed, steps)
            promised = foreseen(bare, plain, n)
            for name in rigs:
                aim, rig = under(profiles[name], bare), VirtualRig(seed, RIGS[name])
                theta = sticker(aim, seed, steps)
                said = promised, foreseen(aim, plain, n), foreseen(aim, theta, n)
                came = [hits(bare, stuck(bare, one, rig), given) for one in (plain, theta)]
                yield Row(name, area_pct, seed, said, came[0], came[1])


def table(found: list[Row]) -> Table:
    whole = Table(title=f"{TARGET} on a stop sign, photographed by the rig, per cent")
    for head in ("rig", "area", "seed", "plain: foreseen", "by the profile", "came",
                 "profiled: foreseen", "came", "difference, points"):  # fmt: skip
        whole.add_column(head, justify="right")
    for row in found:
        came = [wilson(int(one.sum()), len(one)) for one in (row.plain, row.profiled)]
        gain, low, high = (100 * x for x in difference(row.plain, row.profiled))
        whole.add_row(
            row.rig, f"{row.area_pct:g}", str(row.seed), _share(row.foreseen[0]),
            _share(row.foreseen[1]), _wide(came[0]), _share(row.foreseen[2]), _wide(came[1]),
            f"{gain:+.1f} ({low:+.1f} to {high:+.1f})",
        )  # fmt: skip
    return whole


def _share(rate: Rate) -> str:
    return f"{100 * rate.share:.1f}"


def _wide(rate: Rate) -> str:
    return f"{100 * rate.share:.1f} ({100 * rate.low:.1f}-{100 * rate.high:.1f})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("seeds", type=int, nargs="*", default=[0, 1, 2])
    parser.add_argument("--rig", choices=RIGS, action="append")
    parser.add_argument("--area", type=float, action="append")
    parser.add_argument("--steps", type=int, default=120)
    parser.add_argument("-n", type=int, default=300, help="photographs of each sticker")
    args = parser.parse_args()
    rigs, areas = args.rig or list(RIGS), args.area or [15.0, 10.0]
    running = rows(rigs, areas, args.seeds, steps=args.steps, n=args.n)
    total = len(rigs) * len(areas) * len(args.seeds)
    found = list(track(running, total=total, console=Console(stderr=True)))
    Console(width=150).print(table(found))


if __name__ == "__main__":
    cv2.setNumThreads(1)
    torch.set_num_threads(1)
    main()
