"""The contract of digital attacks: images in, images out, chance from the seed alone."""

from dataclasses import replace

import torch
from torch import Tensor

from physadv.attacks.digital import DigitalAttack, Rows, Step
from physadv.core import Encoded, UserError
from physadv.objectives import as_labelled, cross_entropy, untargeted
from physadv.testing.contract import hold, near, no_chance_from_outside
from physadv.testing.victim import images, state_of
from physadv.victims import Victim

N = 3


def check_digital(
    attack: DigitalAttack, victim: Victim, *, channels: int = 3, chance: bool = True
) -> Encoded:
    """Raise `ContractError` at the first clause that `attack` breaks; return what it made.

    It is run five times on three random images. Images keep shape and type and stay in [0,1]; what
    a mask leaves out stays as it is; the same seed gives the same images, another seed others (the
    same, too, of an attack without `chance`), and no global generator is used; steps are told and
    go forward; targeted and untargeted goals are taken; the images given and the victim are left
    as they were; labels of a wrong shape are refused.
    """
    batch = Encoded(images(N, victim.size_px)[:, :channels])
    kept, before = batch.clone(), state_of(victim)
    with torch.no_grad():
        rows = Rows(labels=victim(batch).best)
    steps: list[Step] = []
    goal = untargeted(cross_entropy)
    with no_chance_from_outside("an attack does not use the global generator"):
        made = attack(victim, batch, goal, rows=rows, seed=1, watch=steps.append)
    check_made(made, batch)
    hold(not torch.equal(made, batch), "images are changed")
    done = [step.done for step in steps]
    hold(len(done) > 0 and done == sorted(done), "steps are told and go forward", done)
    near(attack(victim, batch, goal, rows=rows, seed=1), made, "the same seed, the same images", 0)
    other = attack(victim, batch, goal, rows=rows, seed=2)
    told = "other" if chance else "the same"
    hold(torch.equal(other, made) != chance, f"another seed gives {told} images")
    mask = torch.zeros(batch.shape[-2:])
    mask[: mask.shape[0] // 2] = 1
    part = attack(victim, batch, as_labelled(), rows=replace(rows, mask=mask), seed=1)
    check_made(part, batch)
    near(part * (1 - mask), batch * (1 - mask), "what a mask leaves out stays as it is", 0)
    hold(torch.equal(batch, kept), "the images given are not written to")
    check_left(before, state_of(victim))
    _check_door(attack, victim, batch)
    return made


def check_made(made: Tensor, batch: Tensor) -> None:
    """Raise unless images are of the shape and type of others, in [0,1], without graph."""
    same = made.shape == batch.shape and made.dtype == batch.dtype
    hold(same, "shape and type are kept", (tuple(made.shape), made.dtype))
    hold(not made.requires_grad, "images hold no graph")
    low, high = float(made.min()), float(made.max())
    hold(low >= 0 and high <= 1, "images stay in [0,1]", (low, high))


def check_left(before: dict[str, Tensor], after: dict[str, Tensor]) -> None:
    """Raise unless a victim is as it was; states are those of `state_of`."""
    same = before.keys() == after.keys() and all(torch.equal(before[n], after[n]) for n in before)
    hold(same, "weights, gradients, mode and flags of the victim stay as they were")


def _check_door(attack: DigitalAttack, victim: Victim, batch: Encoded) -> None:
    wrong = Rows(labels=torch.zeros(N + 1, dtype=torch.long))
    try:
        attack(victim, batch, untargeted(cross_entropy), rows=wrong, seed=0)
    except UserError:
        return
    hold(False, "labels of a wrong shape are refused with UserError")
