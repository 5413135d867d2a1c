"""Which images that were made on one victim fool another (Papernot, McDaniel & Goodfellow 2016)."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from physadv.attacks.digital import DigitalAttack, Rows, Step
from physadv.core import Encoded, Rate, check, quantise, spawn, wilson
from physadv.objectives import cross_entropy, untargeted
from physadv.victims import Victim

PART = 64
"""How many images are attacked, or shown to a victim, at once."""
GOAL = untargeted(cross_entropy)


@dataclass(frozen=True)
class TransferMatrix:
    """How often images (rows, by how they were made) are misread by victims (columns).

    Each `success` is a rate over those of the `n` images that its column's victim reads as their
    labels before they are changed, with Wilson's interval; None where it reads none. `read` is the
    rate of those, a column.
    """

    rows: tuple[str, ...]
    columns: tuple[str, ...]
    success: tuple[tuple[Rate | None, ...], ...]
    read: tuple[Rate, ...]
    n: int

    def table(self) -> str:
        """Return it as a table in Markdown: per cent, with hits of n and the interval."""
        cells = [["made on", *self.columns], ["---", *["---:"] * len(self.columns)]]
        cells += [["read right before", *map(str, self.read)]]
        for name, rates in zip(self.rows, self.success, strict=True):
            cells.append([name, *("-" if rate is None else str(rate) for rate in rates)])
        return "\n".join(f"| {' | '.join(row)} |" for row in cells)


def transfer_matrix(
    made_on: Sequence[Victim],
    judged_on: Sequence[Victim],
    attack: DigitalAttack,
    images: Encoded,
    labels: Tensor,
    *,
    seed: int = 0,
) -> TransferMatrix:
    """Attack images (N,3,H,W) of labels (N,) on each of some victims, and judge them on others.

    `made_on` need gradients (as far as `attack` does), `judged_on` do not; all have the same
    labels. What is wanted is any answer but the label. Raises `UserError` for other labels.
    """
    made = attack_each(made_on, attack, images, labels, seed=seed)
    return judge_transfer(made, judged_on, images, labels)


def attack_each(
    victims: Sequence[Victim],
    attack: DigitalAttack,
    images: Encoded,
    labels: Tensor,
    *,
    seed: int = 0,
    watch: Callable[[float], None] = lambda _share: None,
) -> dict[str, Encoded]:
    """Attack images (N,3,H,W) of labels (N,) on each victim by itself; return them by its name.

    `watch` is told the share done. Raises `UserError` for victims of the same name.
    """
    names = [one.name for one in victims]
    expected = "victims of different names"
    check(len({*names}) == len(names), "made_on", expected=expected, got=", ".join(names))
    made = dict[str, Encoded]()
    for number, one in enumerate(victims):

        def tell(share: float, before: int = number) -> None:
            watch((before + share) / len(victims))

        own = spawn(seed, "transfer", number)
        made[one.name] = _attacked(one, attack, images, labels, own, tell)
    return made


@torch.no_grad()
def judge_transfer(
    made: Mapping[str, Encoded], judged_on: Sequence[Victim], images: Encoded, labels: Tensor
) -> TransferMatrix:
    """Judge images that were made of `images` (N,3,H,W), by name, on victims; all of 8 bits."""
    known = [one.labels == judged_on[0].labels for one in judged_on]
    got = ", ".join(one.name for one, same in zip(judged_on, known, strict=True) if not same)
    check(all(known), "judged_on", expected=f"the labels of {judged_on[0].name}", got=got)
    right = [_read(victim, images) == labels for victim in judged_on]
    success = [
        tuple(
            _rate(_read(victim, one) != labels, was)
            for victim, was in zip(judged_on, right, strict=True)
        )
        for one in made.values()
    ]
    columns = tuple(one.name for one in judged_on)
    read = tuple(wilson(int(one.sum()), len(one)) for one in right)
    return TransferMatrix(tuple(made), columns, tuple(success), read, len(images))


@torch.no_grad()
def agreement(one: Victim, other: Victim, images: Encoded) -> Rate:
    """Return how often two victims read images (N,3,H,W) as the same."""
    same = _read(one, images) == _read(other, images)
    return wilson(int(same.sum()), len(same))


def _attacked(
    victim: Victim,
    attack: DigitalAttack,
    images: Encoded,
    labels: Tensor,
    seed: int,
    watch: Callable[[float], None],
) -> Encoded:
    """Attack images in parts of their own seeds."""
    parts = list(zip(torch.split(images, PART), torch.split(labels, PART), strict=True))
    made = list[Tensor]()
    for number, (part, own) in enumerate(parts):

        def tell(step: Step, before: int = number) -> None:
            watch((before + step.done) / len(parts))

        told, own_seed = Rows(labels=own), spawn(seed, number)
        made.append(attack(victim, Encoded(part), GOAL, rows=told, seed=own_seed, watch=tell))
    return Encoded(torch.cat(made))


def _read(victim: Victim, images: Tensor) -> Tensor:
    """Return what images, rounded to 8 bits, are read as, (N,)."""
    return torch.cat(
        [victim(Encoded(quantise(part))).best for part in torch.split(images, PART)]
    ).cpu()


def _rate(misread: Tensor, among: Tensor) -> Rate | None:
    count = int(among.sum())
    return wilson(int((misread & among).sum()), count) if count else None
