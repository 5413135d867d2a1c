"""White-box attacks on real signs: ours, ART's, Foolbox's and torchattacks', in one run.

python -m benchmarks.digital DATA [--n 500] [--least-n 50] [--steps 40] [--victim both]
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from math import inf
from pathlib import Path
from time import process_time
from typing import Annotated, Any

import torch
import typer
from rich.table import Table
from torch import Tensor

from benchmarks import show
from benchmarks.peers import art_alone
from benchmarks.pictures import known_victim, read_right
from physadv.attacks.digital import (
    LBFGS,
    PGD,
    DigitalAttack,
    FastGradient,
    Iterative,
    Plugin,
    Rows,
    Smallest,
    size,
)
from physadv.core import Encoded, Rate, wilson
from physadv.core.check import one_of
from physadv.objectives import Objective, cross_entropy, margin, untargeted
from physadv.victims import Classifier

PART = 50
"""Images that are attacked at once; parts go through all attacks in turn."""
VICTIMS = ("bundled", "lisa", "both")
RADII = (0.25, 0.5, 1.0, 2.0)
"""Radii, as parts of the given one, whose successes must not fall."""


@dataclass
class Tally:
    """What an attack did: who made it, what it does, and over all images how it went."""

    group: str
    name: str
    attack: DigitalAttack
    norm: float
    goal: Objective = field(default_factory=lambda: untargeted(cross_entropy))
    seconds: float = 0.0
    gradients: int = 0
    n: int = 0
    norms: list[float] = field(default_factory=list)

    def run(self, victim: Classifier, images: Encoded, labels: Tensor) -> None:
        """Attack images, which were all read correctly."""
        with counted(victim) as count:
            begun = process_time()
            made = self.attack(victim, images, self.goal, rows=Rows(labels=labels), seed=self.n)
            self.seconds += process_time() - begun
        with torch.no_grad():
            misread = victim(made).best != labels
        self.gradients += count[0]
        self.n += len(images)
        self.norms += size(made - images, self.norm)[misread].tolist()

    @property
    def robust(self) -> Rate:
        """The share of images that are still read correctly."""
        return wilson(self.n - len(self.norms), self.n)

    @property
    def median(self) -> float:
        """The median of the smallest changes, without end where it misses."""
        whole = torch.tensor(self.norms + [inf] * (self.n - len(self.norms)))
        return float(whole.median()) if self.n else inf


def main(
    data: Annotated[Path, typer.Argument(help="Folder with gtsrb/, rp2/ and victims/.")],
    n: Annotated[int, typer.Option(help="Images, at most, drawn at random.", min=1)] = 500,
    least_n: Annotated[int, typer.Option(help="Of these for smallest norms.", min=0)] = 50,
    steps: Annotated[int, typer.Option(help="Steps of iterated attacks.", min=1)] = 40,
    victim: Annotated[str, typer.Option(help="bundled, lisa or both.")] = "both",
    only: Annotated[str, typer.Option(help="Rows of one attack, as PGD, alone.")] = "",
    seed: Annotated[int, typer.Option(help="Of the draw of images.")] = 0,
) -> None:
    """Print robust accuracy, smallest norms, CPU seconds and gradients asked, and the floors."""
    one_of("victim", victim, VICTIMS)
    show.heading()
    for name in VICTIMS[:2] if victim == "both" else (victim,):
        known = known_victim(data, name)
        images, labels = read_right(known, data, n, seed=seed)
        eps = {"bundled": 2 / 255, "lisa": 4 / 255}[name]
        fixed = [one for one in budgeted(eps, steps) if one.group.startswith(only)]
        grown = [] if only else growing(eps, steps)
        least = smallest()
        for first in range(0, len(images), PART):
            part = slice(first, first + PART)
            for one in [*fixed, *grown]:
                one.run(known, Encoded(images[part]), labels[part])
        for first in range(0, min(least_n, len(images)), PART):
            part = slice(first, min(first + PART, least_n))
            for one in least:
                one.run(known, Encoded(images[part]), labels[part])
        report(f"{known.name}: {len(images)} images", fixed, norms=False)
        if least_n:
            report(f"{known.name}: smallest change", least, norms=True)
        floors(fixed, grown)


def budgeted(eps: float, steps: int) -> list[Tally]:
    """Return the attacks of a given radius: `eps` for inf, and for 2 what looks about as strong."""
    rate, round_eps = 2.5 * eps / steps, 40 * eps
    round_rate = 2.5 * round_eps / steps
    a, f, t = (theirs(name) for name in ("art", "foolbox", "torchattacks"))
    bare = art_alone if find_spec("art") else a
    art_pgd = {"num_random_init": 1, "max_iter": steps, "batch_size": PART}
    walk = {"max_iter": steps, "eps": eps, "eps_step": eps / steps, "batch_size": PART}
    even = {"steps": steps, "eps": eps, "alpha": eps / steps}
    alone = {"eps": eps, "batch_size": PART}
    rows: list[tuple[str, str, Any, float]] = [
        ("FGSM", "physadv", FastGradient(inf, eps), inf),
        ("FGSM", "ART", a("FastGradientMethod", alone), inf),
        ("FGSM", "Foolbox", f("LinfFastGradientAttack", {"epsilon": eps}), inf),
        ("FGSM", "torchattacks", t("FGSM", {"eps": eps}), inf),
        ("BIM", "physadv", Iterative(inf, eps, steps=steps), inf),
        ("BIM", "ART", a("BasicIterativeMethod", walk), inf),
        ("BIM", "torchattacks", t("BIM", even), inf),
        ("MI-FGSM", "physadv", Iterative(inf, eps, steps=steps, decay=1.0), inf),
        ("MI-FGSM", "ART", a("MomentumIterativeMethod", walk | {"decay": 1.0}), inf),
        ("MI-FGSM", "torchattacks", t("MIFGSM", even | {"decay": 1.0}), inf),
        ("PGD inf", "physadv", PGD(inf, eps, steps=steps), inf),
        ("PGD inf", "ART", bare(art_pgd | {"eps": eps, "eps_step": rate}), inf),
        (
            "PGD inf",
            "ART on our classifier",
            a("ProjectedGradientDescentPyTorch", art_pgd | {"eps": eps, "eps_step": rate}),
            inf,
        ),
        (
            "PGD inf",
            "Foolbox",
            f("LinfPGD", {"epsilon": eps, "steps": steps, "abs_stepsize": rate}),
            inf,
        ),
        ("PGD inf", "torchattacks", t("PGD", {"eps": eps, "alpha": rate, "steps": steps}), inf),
        ("PGD 2", "physadv", PGD(2.0, round_eps, steps=steps), 2.0),
        (
            "PGD 2",
            "ART",
            a(
                "ProjectedGradientDescentPyTorch",
                art_pgd | {"norm": 2, "eps": round_eps, "eps_step": round_rate},
            ),
            2.0,
        ),
        (
            "PGD 2",
            "Foolbox",
            f("L2PGD", {"epsilon": round_eps, "steps": steps, "abs_stepsize": round_rate}),
            2.0,
        ),
        (
            "PGD 2",
            "torchattacks",
            t("PGDL2", {"eps": round_eps, "alpha": round_rate, "steps": steps}),
            2.0,
        ),
        ("PGD 1", "physadv", PGD(1.0, 25 * round_eps, steps=steps), 1.0),
        ("PGD 0", "physadv", PGD(0.0, 10, steps=steps), 0.0),
    ]
    return [Tally(group, name, attack, norm) for group, name, attack, norm in rows if attack]


def growing(eps: float, steps: int) -> list[Tally]:
    """Return PGD with growing radii, for one of the floors."""
    radii = [share * eps for share in RADII]
    return [Tally("PGD inf", f"{r * 255:g}/255", PGD(inf, r, steps=steps), inf) for r in radii]


def smallest() -> list[Tally]:
    """Return the searches for the smallest change, of about the peers' own settings."""
    a, f, t = (theirs(name) for name in ("art", "foolbox", "torchattacks"))
    weighed = {"binary_search_steps": 5, "max_iter": 50, "initial_const": 1.0}
    gap = untargeted(margin)  # what DeepFool and Carlini & Wagner follow
    own = [
        Tally("L2", "physadv LBFGS", LBFGS(), 2.0),
        Tally("L2", "physadv Smallest(PGD)", Smallest(2.0), 2.0),
        Tally("L2", "physadv Smallest(PGD), margin", Smallest(2.0), 2.0, gap),
        Tally("Linf", "physadv Smallest(PGD)", Smallest(inf), inf),
        Tally("Linf", "physadv Smallest(PGD), margin", Smallest(inf), inf, gap),
        Tally("L0", "physadv Smallest(PGD)", Smallest(0.0, rounds=7), 0.0),
        Tally("L0", "physadv Smallest(PGD), margin", Smallest(0.0, rounds=7), 0.0, gap),
    ]
    rows: list[tuple[str, str, Any, float]] = [
        ("L2", "ART DeepFool", a("DeepFool", {"batch_size": PART}), 2.0),
        ("L2", "ART Carlini-Wagner", a("CarliniL2Method", weighed | {"batch_size": PART}), 2.0),
        ("L2", "Foolbox DeepFool", f("L2DeepFoolAttack", {}), 2.0),
        (
            "L2",
            "Foolbox Carlini-Wagner",
            f("L2CarliniWagnerAttack", {"binary_search_steps": 5, "steps": 200}),
            2.0,
        ),
        ("L2", "torchattacks DeepFool", t("DeepFool", {}), 2.0),
        ("L2", "torchattacks CW", t("CW", {"c": 1.0, "steps": 200, "lr": 0.01}), 2.0),
        ("Linf", "Foolbox DeepFool", f("LinfDeepFoolAttack", {}), inf),
    ]
    peers = [Tally(group, name, attack, norm) for group, name, attack, norm in rows if attack]
    return sorted(own + peers, key=lambda one: one.group, reverse=True)


def theirs(name: str) -> Any:
    """Return how to get a framework's attack by name, with settings; None if it is missing."""
    try:
        module = __import__(f"physadv_{name}.plugin", fromlist=["plugin"])
    except ImportError as error:
        show.console.print(f"left out: {error}", markup=False)
        return lambda *_: None
    plugin: Plugin = module.plugin
    return plugin.attack


@contextmanager
def counted(victim: Classifier) -> Iterator[list[int]]:
    """Count the images for which a gradient was asked, whoever asks."""
    count = [0]

    def back(slope: Tensor) -> None:
        count[0] += len(slope)

    def forth(_module: Any, given: tuple[Tensor, ...]) -> None:
        if given[0].requires_grad:
            given[0].register_hook(back)

    handle = victim.module.register_forward_pre_hook(forth)
    try:
        yield count
    finally:
        handle.remove()


def report(title: str, rows: list[Tally], *, norms: bool) -> None:
    """Print a table."""
    found = "median norm" if norms else "robust accuracy"
    table = Table(title, "attack", found, "missed" if norms else "norm", "CPU s", "gradients each")
    for one in rows:
        told = f"{one.median:.3g}" if norms else str(one.robust)
        other = str(one.n - len(one.norms)) if norms else f"{max(one.norms, default=0):.3g}"
        each = f"{one.gradients / one.n:.0f}"
        table.add_row(one.group, one.name, told, other, f"{one.seconds:.1f}", each)
    show.console.print(table)


def floors(rows: list[Tally], grown: list[Tally]) -> None:
    """Print whether what has to hold does."""
    by = {(one.group, one.name): one for one in rows}
    own = {one.group: one for one in rows if one.name == "physadv"}
    for group in ("PGD inf", "PGD 2"):
        peers = [one.robust.share for one in rows if one.group == group and one.name != "physadv"]
        if peers:
            gap = own[group].robust.share - min(peers)
            held(f"{group}: {100 * gap:+.1f} points to the best peer (at most +0.5)", gap <= 0.005)
    if ("PGD inf", "ART") in by:
        ratio = by["PGD inf", "ART"].seconds / own["PGD inf"].seconds
        held(f"PGD inf: {ratio:.2f} times as fast as ART's (at least 1.3)", ratio >= 1.3)
    if "FGSM" not in own:
        return
    single = own["FGSM"].robust.share
    for group in ("BIM", "MI-FGSM", "PGD inf"):
        held(f"{group} beats the single step", own[group].robust.share <= single)
    shares = [one.robust.share for one in grown]
    told = ", ".join(f"{one.name} {100 * one.robust.share:.1f} %" for one in grown)
    held(f"larger eps, never less success: {told}", shares == sorted(shares, reverse=True))


def held(what: str, good: bool) -> None:
    """Print a floor."""
    show.console.print(f"{'held' if good else 'NOT HELD'}: {what}", markup=False)


if __name__ == "__main__":
    show.run(main)
