"""Digital attacks that only ask, side by side: ours, ART's, Foolbox's, torchattacks', and noise.

python -m benchmarks.digital_black_box DATA [--n 50] [--victim bundled|lisa] [--targeted]: DATA is a
folder with gtsrb/test.csv (and rp2/victims_32, victims/lisa_cnn.safetensors for LISA-CNN). Images
are drawn from those the victim reads correctly, brought to its size and 8 bits, and attacked one by
one within Linf `eps`. What counts is what the victim saw, rounded to 8 bits: an attack succeeds
with the first image within eps that is misread (or read as the target), and has used so many
queries as were asked until then. Attacks that go on beyond the budget are stopped there.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from math import inf
from pathlib import Path
from statistics import median
from time import process_time
from typing import Annotated

import torch
import typer
from rich.table import Table
from torch import Tensor

from benchmarks import show
from benchmarks.pictures import known_victim, read_right
from physadv.attacks.digital import DigitalAttack, Rows, size
from physadv.attacks.digital.ball import random_point
from physadv.attacks.digital.named import find_attack
from physadv.core import Answer, Encoded, UserError, generator, quantise, spawn, wilson
from physadv.core.check import one_of
from physadv.objectives import as_labelled, cross_entropy, untargeted
from physadv.victims import Classifier

SLACK = 1e-4
NOISES = 50
"""How much noise is asked about at once."""
ATTACKS: dict[str, dict[str, str]] = {
    "noise": {},
    "estimated (spsa)": {"method": "spsa"},
    "estimated (nes)": {"method": "nes"},
    "estimated (groups)": {"method": "groups"},
    "estimated (coordinates)": {"method": "coordinates"},
    "gen-attack": {"detail": "16"},
    "gen-attack (guided)": {"detail": "16", "guided": "true"},
    "evade-hc": {},
    "art:SquareAttack": {"max_iter": "{queries}", "eps": "{eps}", "nb_restarts": "1"},
    "art:SimBA": {"epsilon": "{eps}", "max_iter": "{queries}"},
    "art:ZooAttack": {
        "use_resize": "false",
        "use_importance": "false",
        "nb_parallel": "25",
        "max_iter": "{queries}",
    },
    "art:BoundaryAttack": {"max_iter": "1000", "num_trial": "20", "sample_size": "10"},
    "art:HopSkipJump": {"max_iter": "30", "max_eval": "200", "init_eval": "20"},
    "foolbox:GenAttack": {"epsilon": "{eps}", "steps": "{queries}", "reduced_dims": "none"},
    "torchattacks:Square": {"eps": "{eps}", "n_queries": "{queries}"},
    "torchattacks:SPSA": {
        "eps": "{eps}",
        "nb_iter": "{queries}",
        "nb_sample": "24",
        "delta": "0.01",
        "lr": str(2 / 255),
    },
    "torchattacks:Pixle": {"restarts": "{queries}"},
}
"""Settings of each, with the budget filled in; what is in brackets tells rows apart."""
BY_NORM = {"estimated", "evade-hc", "art:SquareAttack", "art:HopSkipJump"}
TARGETED_ALONE = {"foolbox:GenAttack"}
UNTARGETED_ALONE = {"art:SquareAttack", "torchattacks:Pixle"}


class SpentError(Exception):
    """The budget is used up, or the first success seen: nothing more is to be learnt."""


@dataclass
class Counted:
    """A victim that counts what it is asked, and notes the first success within the budget."""

    victim: Classifier
    clean: Tensor
    shown: int
    target: int | None
    limits: tuple[float, int]
    norm: float = inf
    queries: int = 0
    first: int | None = None

    differentiable = True

    @property
    def name(self) -> str:
        """The victim's."""
        return self.victim.name

    @property
    def labels(self) -> tuple[str, ...]:
        """The victim's."""
        return self.victim.labels

    @property
    def size_px(self) -> tuple[int, int]:
        """The victim's."""
        return self.victim.size_px

    def label(self, name_or_index: str | int) -> int:
        """Return the class of a label."""
        return self.victim.label(name_or_index)

    @torch.no_grad()
    def __call__(self, images: Encoded) -> Answer:
        """Answer for whole bytes, and stop the attack where there is nothing more to learn."""
        seen = Encoded(quantise(images))
        answer, read = self.asked(seen)
        hits = read == self.target if self.target is not None else read != self.shown
        near = size(seen - self.clean, self.norm) <= self.limits[0] + SLACK
        for hit in (hits & near).tolist():
            self.queries += 1
            if self.queries > self.limits[1]:
                raise SpentError
            if hit:
                self.first = self.queries
                raise SpentError
        return answer

    def asked(self, seen: Encoded) -> tuple[Answer, Tensor]:
        """Return what the attacker is told, and the classes (B,) that count."""
        answer = self.victim(seen)
        return answer, answer.best


def noise(victim: Counted, eps: float, rng: torch.Generator) -> None:
    """Ask about random corners of the ball, or points of a round one, until the budget ends."""
    like = victim.clean.expand(NOISES, -1, -1, -1)
    while True:
        if victim.norm == inf:
            change = eps * (2.0 * torch.randint(2, like.shape, generator=rng) - 1)
        else:
            change = random_point(like, eps, victim.norm, rng)
        victim(Encoded((victim.clean + change).clamp(0, 1)))


def made(name: str, eps: float, queries: int, norm: float) -> DigitalAttack:
    """Return an attack of the table."""
    kind, settings = name.partition(" ")[0], dict(ATTACKS[name])
    if ":" not in kind:
        settings |= {"eps": "{eps}", "queries": "{queries}"}
    if kind in BY_NORM:
        settings["norm"] = "inf" if norm == inf else "2"
    filled = {k: v.format(eps=eps, queries=queries) for k, v in settings.items()}
    return find_attack(kind, filled)


def attacked(name: str, victim: Counted, seed: int) -> None:
    """Run an attack on a victim's image until it ends or the victim stops it."""
    eps, queries = victim.limits
    targeted = victim.target is not None
    goal = as_labelled(cross_entropy) if targeted else untargeted(cross_entropy)
    rows = Rows(labels=torch.tensor([victim.target if targeted else victim.shown]))
    try:
        if name == "noise":
            noise(victim, eps, generator(seed))
        made(name, eps, queries, victim.norm)(
            victim, Encoded(victim.clean), goal, rows=rows, seed=seed
        )
    except SpentError:
        return
    except UserError as error:  # frameworks' errors are told so, with what was raised inside
        if not isinstance(error.__cause__, SpentError):
            raise


def results(
    name: str, victims: list[Counted], seed: int
) -> Iterator[tuple[int | None, int, float]]:
    """Yield the queries to success, those asked and the seconds, an image at a time."""
    for number, victim in enumerate(victims):
        begun = process_time()
        attacked(name, victim, spawn(seed, name, number))
        yield victim.first, min(victim.queries, victim.limits[1]), process_time() - begun


def main(
    data: Annotated[Path, typer.Argument(help="Folder with gtsrb/test.csv.")],
    victim: Annotated[str, typer.Option(help="bundled, lisa, or a spec.")] = "bundled",
    n: Annotated[int, typer.Option(help="Images.", min=1)] = 50,
    eps: Annotated[float, typer.Option(help="Of 255; with --norm 2 as it is.")] = 8.0,
    norm: Annotated[str, typer.Option(help="inf or 2.")] = "inf",
    queries: Annotated[int, typer.Option(help="Of each image.", min=1)] = 2000,
    targeted: Annotated[bool, typer.Option("--targeted", help="Random targets.")] = False,
    attack: Annotated[list[str] | None, typer.Option(help="These alone.")] = None,
    seed: Annotated[int, typer.Option(help="Of images, targets and searches.")] = 0,
) -> None:
    """Print a row for each attack."""
    show.heading()
    one_of("norm", norm, ("inf", "2"))
    radius = eps / 255 if norm == "inf" else eps
    known = known_victim(data, victim)
    images, labels = read_right(known, data, 2 * n, seed=seed)
    images, labels = Encoded(quantise(images)[:n]), labels[:n]
    rng, classes = generator(spawn(seed, "targets")), len(known.labels)
    shifts = torch.randint(1, classes, (len(images),), generator=rng).tolist()
    table = Table(f"{known.name}, {len(images)} images", "success", "queries", "asked", "CPU s")
    for name in attack or ATTACKS:
        if name in (UNTARGETED_ALONE if targeted else TARGETED_ALONE):
            continue
        victims = [
            Counted(
                known,
                images[k : k + 1],
                label,
                (label + shifts[k]) % classes if targeted else None,
                (radius, queries),
                float(norm),
            )
            for k, label in enumerate(labels.tolist())
        ]
        found = list(results(name, victims, seed))
        firsts = [first for first, _, _ in found if first is not None]
        seconds, asked = sum(one[2] for one in found), sum(one[1] for one in found) / len(found)
        rate = str(wilson(len(firsts), len(found)))
        row = (rate, f"{median(firsts):.0f}" if firsts else "-", f"{asked:.0f}", f"{seconds:.0f}")
        show.row(name, *row)
        table.add_row(name, *row)
    show.console.print(table)


if __name__ == "__main__":
    show.run(main)
