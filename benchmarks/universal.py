"""One perturbation for all signs: ours, ART's and random signs, on signs that it has not seen.

python -m benchmarks.universal DATA [--train 300] [--n 500] [--eps 10]
"""

from collections.abc import Callable
from pathlib import Path
from time import process_time
from typing import Annotated, Any

import numpy as np
import torch
import typer
from rich.table import Table
from torch import Tensor

from benchmarks import show
from benchmarks.advgan import misread
from benchmarks.pictures import read_right
from physadv.attacks.digital import Rows, Universal
from physadv.core import Encoded, generator
from physadv.objectives import cross_entropy, untargeted
from physadv.victims import Classifier
from physadv.victims.bundled import bundled

ROUNDS = 3
"""Passes of ART's attack over the images; ours takes as many steps as they have batches."""


def main(
    data: Annotated[Path, typer.Argument(help="Folder with gtsrb/.")],
    train: Annotated[int, typer.Option(help="Images it is made on.", min=1)] = 300,
    n: Annotated[int, typer.Option(help="Other images it is judged on.", min=1)] = 500,
    eps: Annotated[float, typer.Option(help="Largest change, of 255.")] = 10.0,
    steps: Annotated[int, typer.Option(help="Of ours.", min=1)] = 300,
    seed: Annotated[int, typer.Option(help="Of ours and of the signs.")] = 0,
) -> None:
    """Print fooling rates: signs read right that are misread with the perturbation, at 8 bits."""
    show.heading()
    victim = bundled()
    images, labels = read_right(victim, data, train, part="train")
    judged, truth = read_right(victim, data, n)
    signs = 2.0 * torch.randint(2, images[:1].shape, generator=generator(seed)) - 1
    table = Table(f"eps {eps:g}/255", "made on", "misread, images it has not seen", "CPU s")
    radius = eps / 255
    attack = Universal(eps=radius, steps=steps)
    makers: dict[str, Callable[[], Tensor]] = {
        "physadv Universal": lambda: ours(victim, images, labels, attack, seed),
        "ART UniversalPerturbation, DeepFool": lambda: arts(victim, images, labels, radius),
        "random signs": lambda: radius * signs,
    }
    for name, make in makers.items():
        begun = process_time()
        noise = make()
        seconds = f"{process_time() - begun:.0f}"
        count = "0" if name.startswith("random") else str(len(images))
        table.add_row(
            name, count, str(misread(victim, (judged + noise).clamp(0, 1), truth)), seconds
        )
    show.console.print(table)


def ours(
    victim: Classifier, images: Encoded, labels: Tensor, attack: Universal, seed: int
) -> Tensor:
    """Return our perturbation (1,3,H,W)."""
    goal = untargeted(cross_entropy)
    return attack.search(victim, images, goal, rows=Rows(labels=labels), seed=seed)


def arts(victim: Classifier, images: Encoded, labels: Tensor, eps: float) -> Tensor:
    """Return that of ART's attack (Moosavi-Dezfooli et al. 2017) with DeepFool inside."""
    from art.attacks.evasion import UniversalPerturbation
    from physadv_art.estimators import from_victim

    estimator = from_victim(victim, input_px=victim.size_px)
    inside: dict[str, Any] = {"max_iter": 10, "nb_grads": len(victim.labels), "epsilon": 0.02}
    attack = UniversalPerturbation(
        estimator, attacker="deepfool", attacker_params=inside | {"verbose": False}, delta=0.01,
        max_iter=ROUNDS, eps=eps, norm=np.inf, batch_size=32, verbose=False,
    )  # fmt: skip
    attack.generate(images.numpy(), labels.numpy())
    return torch.from_numpy(np.asarray(attack.noise, dtype=np.float32)).reshape(
        1, *images.shape[1:]
    )


if __name__ == "__main__":
    show.run(main)
