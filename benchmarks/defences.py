"""Defences of the bundled recogniser before attacks that know them, and attacks that do not.

python -m benchmarks.defences DATA [--n 100] [--eps 4 --eps 8] [--only jpeg] [--hardened FILE]

Every defence climbs the ladder of `physadv audit`. Shares are of all images drawn: one that is
misread as it is counts as lost. Certificates are against the norm 2, and stand apart.
"""

from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import Annotated

import torch
import typer

from benchmarks import reform, show
from benchmarks.pictures import read_right
from benchmarks.reform import Budgets, made_generator, prepared
from physadv.core import Encoded, quantise, wilson
from physadv.core.check import one_of
from physadv.defences import (
    BitDepth,
    Defence,
    DefenceAbout,
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
from physadv.evaluation import Pictures, Plan, attack_bare, audit_defence
from physadv.evaluation.suites import processor_s
from physadv.training.robust import drawn_images
from physadv.victims import Classifier, Victim
from physadv.victims.bundled import bundled, recogniser

FITTED = 200
"""Images of the train part on which thresholds are set."""
RADIUS = 0.1
"""In the norm 2, in values of [0,1], of 48x48 px: what certificates are asked for."""
RATES = ("clean", "withstand blind", "withstand", "undefended")
HEAD = ("defence", "eps", *RATES, "verdict", "certified", "slower")
SMOOTHING = RandomizedSmoothing.about.name
Row = tuple[str, Victim, str]
"""A name, a defended victim, and what is certified."""
SETTINGS: list[Defence] = [
    BitDepth(3),
    Median(),
    TotalVariation(),
    Jpeg(50),
    LocalGradientsSmoothing(),
    FeatureSqueezing(),
    LabelOnly(),
    RoundedScores(),
    ReverseSigmoid(),
    NoisyScores(),
]


def main(
    data: Annotated[Path, typer.Argument(help="Folder with gtsrb/.")],
    n: Annotated[int, typer.Option(help="Images of the test part.", min=1)] = 100,
    eps: Annotated[list[float] | None, typer.Option(help="Of 255; 4 and 8 by default.")] = None,
    steps: Annotated[int, typer.Option(help="Of each search.", min=1)] = 20,
    restarts: Annotated[int, typer.Option(help="Searches from random points.", min=1)] = 2,
    queries: Annotated[int, typer.Option(help="Of attacks that only ask.", min=0)] = 100,
    averaged: Annotated[int, typer.Option(help="Random answers to a step.", min=1)] = 4,
    only: Annotated[list[str] | None, typer.Option(help="These alone.")] = None,
    hardened: Annotated[
        list[Path] | None, typer.Option(help="Weights of physadv train robust.")
    ] = None,
    sigma: Annotated[float, typer.Option(help="Of smoothing.")] = 0.12,
    inner: Annotated[
        Path | None, typer.Option(help="Weights that smoothing is put around, trained with noise.")
    ] = None,
    generator: Annotated[Path | None, typer.Option(help="Of physadv train gan.")] = None,
    descent: Annotated[int, typer.Option(help="Defense-GAN's steps (L), of one start.")] = 100,
) -> None:
    """Print shares that withstand and the verdict at each eps; and how much slower an answer is."""
    show.heading()
    victim = bundled()
    images, labels = drawn_images(data / "gtsrb", victim.size_px, n)
    files = tuple(Path(f"{k}.png") for k in range(len(images)))
    pictures = Pictures(files, Encoded(quantise(images)), labels, True)
    show.row(*HEAD)
    show.row(*["---"] * len(HEAD))
    chosen = chosen_of(only) if only or not hardened else []
    known: Iterator[Row] = chain(
        ((file.stem, recogniser(file), "-") for file in hardened or ()),
        taught(victim, data, chosen, Budgets(descent=descent, restarts=1), generator),
        put_around(victim, data, chosen),
        smoothed(victim if inner is None else recogniser(inner), pictures, chosen, sigma),
    )
    sizes = eps or (4.0, 8.0)
    plans = [Plan(size / 255, steps, restarts, averaged, queries) for size in sizes]
    bare = [attack_bare(victim, pictures, plan) for plan in plans]
    for name, guarded, certified in known:
        slower = processor_s(guarded, pictures.images) / processor_s(victim, pictures.images)
        for plan, plain in zip(plans, bare, strict=True):
            found = audit_defence(guarded, pictures, plan, undefended=plain)
            rates = (found.clean, found.blind, found.robust, found.plain)
            size = f"{255 * plan.eps:g}/255"
            show.row(name, size, *map(str, rates), found.verdict, certified, f"{slower:.1f}")
            for doubt in found.doubts:
                show.console.print(f"doubt of {name}: {doubt}", markup=False, soft_wrap=True)


def chosen_of(only: Sequence[str] | None) -> list[str]:
    """Return the names that are measured."""
    known = [name_of(one) for one in SETTINGS] + [SMOOTHING, *reform.ALL]
    for name in only or ():
        one_of("only", name, known)
    return list(only or known)


def name_of(defence: Defence) -> str:
    """Return what `physadv defences` calls one of ours."""
    about: DefenceAbout = defence.about  # type: ignore[attr-defined]  # ours have one
    return about.name


def put_around(victim: Classifier, data: Path, chosen: Sequence[str]) -> Iterator[Row]:
    """Yield what needs no training; thresholds are set on images of the train part."""
    for defence in SETTINGS:
        if name_of(defence) not in chosen:
            continue
        if isinstance(defence, FeatureSqueezing):
            others, _ = read_right(victim, data, FITTED, part="train")
            defence = defence.fitted(victim, others)
        yield name_of(defence), defence(victim), "-"


def smoothed(
    victim: Classifier, pictures: Pictures, chosen: Sequence[str], sigma: float
) -> Iterator[Row]:
    """Yield smoothing, with the share of images that is certified."""
    if SMOOTHING not in chosen:
        return
    defence = RandomizedSmoothing(sigma, samples=16, soft=True)
    found = [
        defence.certify(victim, Encoded(part)).holds(labels, RADIUS)
        for part, labels in zip(
            torch.split(pictures.images, 16), pictures.labels.split(16), strict=True
        )
    ]
    sure = torch.cat(found)
    yield SMOOTHING, defence(victim), f"norm 2, {RADIUS:g}: {wilson(int(sure.sum()), len(sure))}"


def taught(
    victim: Classifier,
    data: Path,
    chosen: Sequence[str],
    budgets: Budgets,
    generator: Path | None,
) -> Iterator[Row]:
    """Yield what is trained for this recogniser first."""
    names = [name for name in reform.ALL if name in chosen]
    if not names:
        return
    made = made_generator(data, generator, budgets) if "defense-gan" in names else None
    bench = prepared(victim, data, budgets, made)
    for name in names:
        yield name, reform.MAKE[name](bench)(victim), "-"


if __name__ == "__main__":
    show.run(main)
