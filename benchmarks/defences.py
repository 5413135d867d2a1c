"""Defences of the bundled recogniser before attacks that know them, and attacks that do not.

python -m benchmarks.defences DATA [--n 100] [--eps 8] [--only jpeg]
"""

from pathlib import Path
from time import process_time
from typing import Annotated

import torch
import typer

from benchmarks import show
from benchmarks.pictures import read_right
from physadv.core import Encoded, quantise
from physadv.defences import (
    BitDepth,
    Defence,
    FeatureSqueezing,
    Jpeg,
    LabelOnly,
    LocalGradientsSmoothing,
    Median,
    NoisyScores,
    RandomizedSmoothing,
    ReverseSigmoid,
    RoundedScores,
    TotalVariation,
)
from physadv.evaluation import Pictures, Plan, audit_defence
from physadv.victims import Classifier, Victim
from physadv.victims.bundled import bundled

FITTED = 200
"""Images of the train part on which thresholds are set."""


def main(
    data: Annotated[Path, typer.Argument(help="Folder with gtsrb/.")],
    n: Annotated[int, typer.Option(help="Images of the test part.", min=1)] = 100,
    eps: Annotated[float, typer.Option(help="Of 255.")] = 8.0,
    steps: Annotated[int, typer.Option(help="Of each search.", min=1)] = 20,
    queries: Annotated[int, typer.Option(help="Of attacks that only ask.", min=0)] = 100,
    only: Annotated[list[str] | None, typer.Option(help="These alone.")] = None,
    seed: Annotated[int, typer.Option(help="Of images and attacks.")] = 0,
) -> None:
    """Print shares that withstand, the verdict, and how much slower an answer is."""
    show.heading()
    victim = bundled()
    images, labels = read_right(victim, data, n, seed=seed)
    files = tuple(Path(f"{k}.png") for k in range(len(images)))
    pictures = Pictures(files, Encoded(quantise(images)), labels, True)
    head = ("defence", "clean", "withstand blind", "withstand", "undefended", "verdict", "slower")
    show.console.print(f"| {' | '.join(head)} |\n|{'---|' * len(head)}", markup=False)
    for name, defence in defences(victim, data, seed).items():
        if only and name not in only:
            continue
        plan = Plan(eps / 255, steps, 2, 4, queries)
        found = audit_defence(defence(victim), pictures, plan, undefended=victim, seed=seed)
        rates = (found.clean, found.blind, found.robust, found.plain)
        slower = seconds(defence(victim), pictures.images) / seconds(victim, pictures.images)
        row = (name, *map(str, rates), found.verdict, f"{slower:.1f}")
        show.console.print(f"| {' | '.join(row)} |", markup=False, soft_wrap=True)
        for doubt in found.doubts:
            show.console.print(f"doubt of {name}: {doubt}", markup=False, soft_wrap=True)


def defences(victim: Classifier, data: Path, seed: int) -> dict[str, Defence]:
    """Return the defences by name, with thresholds set on other images."""
    others, _ = read_right(victim, data, FITTED, part="train", seed=seed)
    known: list[Defence] = [
        BitDepth(3),
        Median(),
        TotalVariation(),
        Jpeg(50),
        LocalGradientsSmoothing(),
        FeatureSqueezing().fitted(victim, others),
        LabelOnly(),
        RoundedScores(),
        ReverseSigmoid(),
        NoisyScores(),
        RandomizedSmoothing(0.12, samples=16, soft=True),
    ]
    return {one.about.name: one for one in known}  # type: ignore[attr-defined]  # ours have one


@torch.no_grad()
def seconds(victim: Victim, images: Encoded) -> float:
    """Return the processor time of three answers."""
    begun = process_time()
    for _ in range(3):
        victim(images)
    return process_time() - begun


if __name__ == "__main__":
    typer.run(main)
