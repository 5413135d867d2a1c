"""Changes as small as can be, to the eye: PerC-AL beside searches for the smallest norm 2.

python -m benchmarks.perceptual DATA [--n 40]
"""

from pathlib import Path
from time import process_time
from typing import Annotated

import torch
import typer
from rich.table import Table
from torch import Tensor

from benchmarks import show
from benchmarks.digital import theirs
from benchmarks.pictures import known_victim, read_right
from physadv.attacks.digital import Perceptual, Rows, Smallest, perceptual_distance, size
from physadv.core import Encoded, quantise, ssim, wilson
from physadv.objectives import cross_entropy, margin, untargeted


def main(
    data: Annotated[Path, typer.Argument(help="Folder with gtsrb/.")],
    n: Annotated[int, typer.Option(help="Images, drawn at random.", min=1)] = 40,
    victim: Annotated[str, typer.Option(help="bundled or lisa.")] = "bundled",
    seed: Annotated[int, typer.Option(help="Of the draw.")] = 0,
) -> None:
    """Print success and medians of the change over the images that all succeed on, at 8 bits."""
    show.heading()
    known = known_victim(data, victim)
    images, labels = read_right(known, data, n, seed=seed)
    images = Encoded(quantise(images))
    foolbox, gap = theirs("foolbox"), untargeted(margin)
    weighed = {"binary_search_steps": 5, "steps": 200}
    attacks = {
        "physadv Perceptual, 100 steps": (Perceptual(), gap),
        "physadv Perceptual, 500 steps": (Perceptual(steps=500), gap),
        "physadv Smallest(PGD), norm 2": (Smallest(2.0), gap),
        "Foolbox Carlini-Wagner": (
            foolbox("L2CarliniWagnerAttack", weighed),
            untargeted(cross_entropy),
        ),
    }
    made: dict[str, tuple[Encoded, Tensor, float]] = {}
    for name, (attack, goal) in attacks.items():
        if attack is not None:
            begun = process_time()
            found = attack(known, images, goal, rows=Rows(labels=labels), seed=seed)
            seconds, found = process_time() - begun, Encoded(quantise(found))
            with torch.no_grad():
                made[name] = found, known(found).best != labels, seconds
    everywhere = torch.stack([good for _, good, _ in made.values()]).all(dim=0)
    kept = Encoded(images[everywhere])
    title = f"{known.name}, medians over {len(kept)} images"
    table = Table(title, "success", "CIEDE2000, norm over pixels", "norm 2", "SSIM", "CPU s")
    for name, (found, good, seconds) in made.items():
        here = Encoded(found[everywhere])
        values = perceptual_distance(kept, here), size(here - kept, 2.0), ssim(kept, here)
        told = (f"{float(one.median()):.3g}" for one in values)
        table.add_row(name, str(wilson(int(good.sum()), len(good))), *told, f"{seconds:.0f}")
    show.console.print(table)


if __name__ == "__main__":
    show.run(main)
