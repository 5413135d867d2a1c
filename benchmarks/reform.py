"""Defences that reform or detect, against an attack that does not know them and one that does.

python -m benchmarks.reform DATA [--n 100] [--generator gan/generator.safetensors]

Each is trained on GTSRB's train part with the budgets below, and judged on signs of the test part
that the undefended recogniser reads right, at 8 bits. An attacked sign counts as held where it is
read right or rejected.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from time import process_time
from typing import Annotated

import torch
import typer
from torch import Tensor, nn

from benchmarks import show
from benchmarks.pictures import known_victim, read_right
from physadv.attacks.digital import PGD, Rows
from physadv.core import Encoded, quantise, wilson
from physadv.defences import (
    APEGAN,
    REJECTED,
    Defence,
    DefenseGAN,
    MagNet,
    Reconstruction,
)
from physadv.evaluation.suites import processor_s
from physadv.generative import (
    GanRecipe,
    Generator,
    load_generator,
    read_pictures,
    train,
)
from physadv.objectives import margin, untargeted
from physadv.training import (
    APEGANRecipe,
    AutoencoderRecipe,
    attacked_images,
    train_ape_gan,
    train_autoencoder,
    train_safety_net,
)
from physadv.victims import Classifier, Victim

EPS = (4, 8)
"""Of 255."""
FALSE_ALARMS = 0.01
LAYER = "5"
"""The recogniser's last residual block: 160 maps of 6x6."""
ALL = ("magnet", "ape-gan", "safety-net", "defense-gan")


@dataclass(frozen=True)
class Budgets:
    """Images to learn from and to set thresholds on; steps; pairs; Defense-GAN's L, R, epochs.

    APE-GAN has pairs of all images to learn from, and twice the steps.
    """

    taught: int = 2000
    kept: int = 500
    steps: int = 600
    attacked: int = 600
    descent: int = 100
    restarts: int = 2
    epochs: int = 20


@dataclass(frozen=True, eq=False)
class Bench:
    """The recogniser, what defences learn from, what thresholds are found on, and the budgets."""

    victim: Classifier
    taught: Encoded
    labels: Tensor
    kept: Encoded
    budgets: Budgets
    generator: Generator | None


def main(
    data: Annotated[Path, typer.Argument(help="Folder with gtsrb/.")],
    n: Annotated[int, typer.Option(help="Images, drawn at random.", min=1)] = 100,
    which: Annotated[list[str] | None, typer.Option(help="; ".join(ALL))] = None,
    taught: Annotated[int, typer.Option(help="Images to learn from.")] = 2000,
    kept: Annotated[int, typer.Option(help="More, to find thresholds on.")] = 500,
    steps: Annotated[int, typer.Option(help="Steps of each network's training.")] = 600,
    attacked: Annotated[int, typer.Option(help="Attacked images to learn from.")] = 600,
    descent: Annotated[int, typer.Option(help="Defense-GAN's steps (L).")] = 100,
    restarts: Annotated[int, typer.Option(help="Defense-GAN's restarts (R).")] = 2,
    attack_steps: Annotated[int, typer.Option(help="Steps of PGD.")] = 20,
    generator: Annotated[Path | None, typer.Option(help="Of physadv train gan.")] = None,
    gan_epochs: Annotated[int, typer.Option(help="Where there is no generator.")] = 20,
    seed: Annotated[int, typer.Option(help="Of the draws.")] = 0,
) -> None:
    """Print a row for each defence as soon as it is measured."""
    show.heading()
    victim, chosen = known_victim(data, "bundled"), which or list(ALL)
    judged, truth = read_right(victim, data, n, seed=seed)
    budgets = Budgets(taught, kept, steps, attacked, descent, restarts, gan_epochs)
    made = made_generator(data, generator, budgets) if "defense-gan" in chosen else None
    bench = prepared(victim, data, budgets, made, seed)
    attacks = [f"{kind}, {eps}/255" for eps in EPS for kind in ("static", "adaptive")]
    show.row("defence", "clean", "rejected, clean", *attacks, "slower", "taught, CPU s")
    judge = Judge(victim, judged, truth, attack_steps, seed)
    judge.row("none", victim, 0.0)
    for name in chosen:
        begun = process_time()
        defence = MAKE[name](bench)
        judge.row(name, defence(victim), process_time() - begun)


def prepared(
    victim: Classifier, data: Path, budgets: Budgets, generator: Generator | None, seed: int = 0
) -> Bench:
    """Return what defences are made of: signs of the train part that the victim reads right."""
    count = budgets.taught + budgets.kept
    found, labels = read_right(victim, data, count, part="train", seed=seed)
    split = len(found) - budgets.kept
    learnt, rest = Encoded(found[:split]), Encoded(found[split:])
    return Bench(victim, learnt, labels[:split], rest, budgets, generator)


class Judge:
    """Measures defended victims on the same images and static attacks."""

    def __init__(
        self, victim: Classifier, images: Encoded, labels: Tensor, steps: int, seed: int
    ) -> None:
        """Make the static attacks."""
        self.victim, self.labels, self.seed = victim, labels, seed
        self.images = Encoded(quantise(images))
        self.attacks = [PGD(eps=eps / 255, steps=steps) for eps in EPS]
        self.static = [self.attacked(victim, attack) for attack in self.attacks]
        self.seconds = processor_s(victim, self.images)

    def attacked(self, victim: Victim, attack: PGD) -> Encoded:
        """Return the images attacked through a victim, rounded to 8 bits."""
        rejected = _rejected(victim)
        goal = untargeted(margin, never=(rejected,) if rejected >= 0 else ())
        rows = Rows(labels=self.labels)
        return Encoded(quantise(attack(victim, self.images, goal, rows=rows, seed=self.seed)))

    def row(self, name: str, victim: Victim, taught: float) -> None:
        """Measure and print a row."""
        clean, rejected = self._read(victim, self.images), _rejected(victim)
        cells = [_share(clean == self.labels), _share(clean == rejected)]
        for attack, static in zip(self.attacks, self.static, strict=True):
            own = static if victim is self.victim else self.attacked(victim, attack)
            for images in (static, own):
                got = self._read(victim, images)
                cells.append(_share((got == self.labels) | (got == rejected)))
        slower = processor_s(victim, self.images) / self.seconds
        show.row(name, *cells, f"{slower:.1f}", f"{taught:.0f}")

    @torch.no_grad()
    def _read(self, victim: Victim, images: Encoded) -> Tensor:
        return victim(images).best


def _rejected(victim: Victim) -> int:
    """Return the class of what is rejected, -1 where nothing is."""
    return len(victim.labels) - 1 if victim.labels[-1] == REJECTED else -1


def _share(held: Tensor) -> str:
    return str(wilson(int(held.sum()), len(held)))


def made_generator(data: Path, path: Path | None, budgets: Budgets) -> Generator:
    """Return a generator of signs, from a file or trained anew."""
    if path is not None:
        return load_generator(path)
    *_, last = train(read_pictures(data / "gtsrb"), GanRecipe(epochs=budgets.epochs))
    return last.generator


def _magnet(bench: Bench) -> Defence:
    plain, halved = (
        train_autoencoder(
            bench.taught, AutoencoderRecipe(bench.budgets.steps, batch=32, halved=halved)
        )
        for halved in (False, True)
    )
    detectors = (
        Reconstruction(halved, "l2"),
        Reconstruction(plain, "l1"),
        Reconstruction(plain, "jsd", 10.0),
        Reconstruction(plain, "jsd", 40.0),
    )
    return MagNet(plain, detectors).fitted(bench.victim, bench.kept, FALSE_ALARMS)


def _pairs(bench: Bench, count: int) -> tuple[Encoded, Encoded]:
    clean, labels = Encoded(bench.taught[:count]), bench.labels[:count]
    attack = PGD(eps=8 / 255, steps=10)
    return clean, attacked_images(bench.victim, clean, labels, attack)


def _ape_gan(bench: Bench) -> Defence:
    clean, attacked = _pairs(bench, bench.budgets.taught)
    recipe = APEGANRecipe(2 * bench.budgets.steps, batch=32, rate=1e-3)
    return APEGAN(train_ape_gan(clean, attacked, recipe))


def _safety_net(bench: Bench) -> Defence:
    clean, attacked = _pairs(bench, bench.budgets.attacked)
    made = train_safety_net(bench.victim, clean, attacked, layer=LAYER)
    return made.fitted(bench.victim, bench.kept, FALSE_ALARMS)


def _defense_gan(bench: Bench) -> Defence:
    assert bench.generator is not None
    whole = nn.Sequential(bench.generator, nn.Upsample(bench.victim.size_px, mode="bilinear"))
    descent, restarts = bench.budgets.descent, bench.budgets.restarts
    return DefenseGAN(whole, bench.generator.latent, descent, restarts)


MAKE: dict[str, Callable[[Bench], Defence]] = dict(
    zip(ALL, (_magnet, _ape_gan, _safety_net, _defense_gan), strict=True)
)

if __name__ == "__main__":
    show.run(main)
