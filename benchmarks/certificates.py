"""Certificates against Linf on scikit-learn's digits: standard and robust training, side by side.

python -m benchmarks.certificates [--seeds 3] [--recipe polytope]
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from time import process_time
from typing import Annotated

import torch
import typer
from rich.table import Table
from torch import Tensor, nn

from benchmarks import show
from physadv.attacks.digital import PGD, Rows
from physadv.core import Answer, Encoded, check, generator, spawn, wilson
from physadv.core.check import one_of
from physadv.defences.certify import Certificate, Method, certify
from physadv.objectives import margin, untargeted
from physadv.training import CertifiedRecipe, Jitter, train_certified

HELD_OUT = 500
RADII = (0.05, 0.1)
SMALL, LARGE = (100,), (256, 128)
"""Widths of the hidden layers."""
METHODS: tuple[Method, ...] = ("polytope", "interval", "both")
RECIPES = {
    "standard": CertifiedRecipe(0.0, epochs=30),
    "polytope": CertifiedRecipe(0.1, learning_rate=1e-2, halve=15),
    "interval": CertifiedRecipe(
        0.1, "interval", epochs=150, growing=75, learning_rate=5e-3, halve=40, clean_share=0.1
    ),
    "interval, jitter": CertifiedRecipe(
        0.1,
        "interval",
        epochs=300,
        growing=150,
        first_eps=0.0,
        batch=100,
        learning_rate=5e-3,
        schedule="cosine",
        average=0.998,
        clean_share=0.1,
    ),
}
JITTERED = "interval, jitter"
"""Trains a larger network on images that are turned, scaled, sheared and shifted a little."""


class Digits:
    """A network of one channel as a victim, as attacks want it."""

    name, size_px, differentiable = "digits", (8, 8), True
    labels = tuple("0123456789")

    def __init__(self, net: nn.Module) -> None:
        """Ask `net` for the scores."""
        self.net = net

    def __call__(self, images: Encoded) -> Answer:
        """Answer for (B,1,8,8) images."""
        return Answer(self.net(images))

    def label(self, name_or_index: str | int) -> int:
        """Return the class of a digit."""
        return int(name_or_index)


@dataclass(frozen=True)
class Found:
    """What was measured of one network at one eps: clean, attacked and certified stay apart."""

    misread: Tensor
    broken: Tensor
    proofs: dict[Method, Certificate]


def main(
    seeds: Annotated[int, typer.Option(help="Splits and weights drawn.", min=1)] = 3,
    recipe: Annotated[list[str] | None, typer.Option(help="These alone.")] = None,
    restarts: Annotated[int, typer.Option(help="Of PGD, 50 steps each.", min=1)] = 2,
    epochs: Annotated[int, typer.Option(help="0 for each recipe's own.", min=0)] = 0,
) -> None:
    """Print clean, empirical and certified errors over the held-out digits of all seeds."""
    show.heading()
    certified = [f"certified: error by {name}, at most" for name in METHODS]
    empirical = "empirical: error under PGD, at least"
    table = Table("training", "eps", "clean error", empirical, *certified, "CPU s")
    for name in recipe or RECIPES:
        one_of("recipe", name, RECIPES)
        settings, begun = RECIPES[name], process_time()
        if epochs:
            settings = replace(settings, epochs=epochs, growing=epochs // 2)
        jittered = name == JITTERED
        runs = [_measured(settings, seed, restarts, jittered) for seed in range(seeds)]
        for place, eps in enumerate(RADII):
            cells = _cells([run[place] for run in runs])
            table.add_row(name, f"{eps:g}", *cells, f"{process_time() - begun:.0f}")
    show.console.print(table)


def _cells(found: Sequence[Found]) -> list[str]:
    """Return the rates over all seeds: clean, attacked, and certified by each method."""
    proofs = {name: torch.cat([one.proofs[name].holds for one in found]) for name in METHODS}
    broken = torch.cat([one.broken for one in found])
    check(
        not (broken & proofs["both"]).any(), "certify", expected="sound bounds", got="a broken one"
    )
    errors = [torch.cat([one.misread for one in found]), broken, *(~one for one in proofs.values())]
    return [str(wilson(int(one.sum()), len(one))) for one in errors]


def _measured(recipe: CertifiedRecipe, seed: int, restarts: int, jittered: bool) -> list[Found]:
    (images, labels), (held, truth) = _digits(seed)
    net = _network(seed, LARGE if jittered else SMALL)
    change = Jitter() if jittered else None
    net = train_certified(net, images, labels, replace(recipe, seed=seed), change=change)
    with torch.no_grad():
        misread = net(held).argmax(1) != truth
    found = []
    for eps in RADII:
        made = PGD(eps=eps, steps=50, random_starts=restarts)(
            Digits(net), Encoded(held), untargeted(margin), rows=Rows(labels=truth), seed=seed
        )
        with torch.no_grad():
            broken = misread | (net(made).argmax(1) != truth)
        proofs = {name: certify(net, held, truth, eps, method=name) for name in METHODS}
        found.append(Found(misread, broken, proofs))
    return found


def _digits(seed: int) -> tuple[tuple[Tensor, Tensor], tuple[Tensor, Tensor]]:
    """Return images (n,1,8,8) in [0,1] and labels to learn from, and those held out."""
    from sklearn.datasets import load_digits

    values, classes = load_digits(return_X_y=True)
    images = torch.from_numpy(values).float().reshape(-1, 1, 8, 8) / 16
    labels = torch.from_numpy(classes)
    order = torch.randperm(len(images), generator=generator(spawn(seed, "split")))
    held, learnt = order[:HELD_OUT], order[HELD_OUT:]
    return (images[learnt], labels[learnt]), (images[held], labels[held])


def _network(seed: int, widths: tuple[int, ...]) -> nn.Module:
    layers: list[nn.Module] = [nn.Flatten()]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(spawn(seed, "weights"))
        for before, after in pairwise((64, *widths)):
            layers += [nn.Linear(before, after), nn.ReLU()]
        return nn.Sequential(*layers, nn.Linear(widths[-1], 10))


if __name__ == "__main__":
    show.run(main)
