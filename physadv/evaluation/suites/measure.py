"""What one cell finds: an attack through a defence, the answers as they are, or a certificate."""

import traceback
from dataclasses import dataclass, replace
from math import inf
from time import perf_counter, process_time

import torch
from torch import Tensor

from physadv.attacks.digital import DigitalAttack, Needs
from physadv.attacks.digital.named import needs_of, norm_of, read_eps
from physadv.core import Encoded, Rate, UserError, check, spawn
from physadv.defences import (
    REJECTED,
    DerandomizedSmoothing,
    FeatureSqueezing,
    PatchCleanser,
    RandomizedSmoothing,
)
from physadv.evaluation.digital import attack_pictures
from physadv.evaluation.ladder import MadeOn, is_random, misread, on_mean, unaware
from physadv.evaluation.pictures import PART, Pictures
from physadv.evaluation.suites.cells import CERTIFY, CLEAN, STATIC, Cell
from physadv.evaluation.suites.parts import CertifyPart, DefencePart
from physadv.evaluation.suites.prepared import Prepared, victims_of
from physadv.objectives import margin
from physadv.victims import Victim

REPEATS = 3
"""How often answers are timed; the shortest time counts."""
Pair = tuple[int, int]
"""Hits and how many they are of."""


@dataclass(frozen=True)
class Outcome:
    """What a cell found; `right` says of each image whether it is read right, or withstands.

    `attacked` images were read right before, and are what `noise` of the same size and the attack
    after `one_step` were tried on. `slowdown` is the processor time of an answer in that of the
    victim undefended, None of that itself; `refused` how many images a detector rejects as they
    are; `certified` holds of which images a threat is proved to change nothing.
    """

    right: tuple[bool, ...]
    seconds: float = 0.0
    processor_s: float = 0.0
    attacked: int = 0
    queries: int | None = None
    eps: float | None = None
    norm: str | None = None
    needs: Needs | None = None
    noise: Pair | None = None
    one_step: Pair | None = None
    slowdown: float | None = None
    refused: int | None = None
    certified: dict[str, tuple[bool, ...]] | None = None
    doubts: tuple[str, ...] = ()


@dataclass(frozen=True)
class Failure:
    """A cell that crashed: the kind of error, its first line, and the trace."""

    kind: str
    message: str
    trace: str = ""

    def __str__(self) -> str:
        """Say it in a line."""
        return f"{self.kind}: {self.message}" if self.message else self.kind


def run_cell(prepared: Prepared, cell: Cell) -> Outcome:
    """Return what a cell finds; raises whatever goes wrong in it."""
    began, used = perf_counter(), process_time()
    known = victims_of(prepared.suite.victims[cell.victim])
    same = tuple(one.digest() for one in known) == prepared.digests[cell.victim]
    expected, got = "the victim that the suite began with", "another under this name"
    check(same, cell.victim, expected=expected, got=got)
    part = prepared.suite.defences[cell.defence]
    victim = defended(part, known[0], prepared.fitted[cell.victim])
    source = known[-1]
    if cell.kind == CLEAN:
        found = _clean(victim, source, prepared.pictures[cell.victim])
    elif cell.kind == CERTIFY:
        found = _certified(part, known[0], prepared.pictures[cell.victim])
    else:
        found = _attacked(prepared, cell, victim, source)
    return replace(found, seconds=perf_counter() - began, processor_s=process_time() - used)


def tried(prepared: Prepared, cell: Cell) -> Outcome | Failure:
    """Return what a cell finds, or how it crashed."""
    try:
        return run_cell(prepared, cell)
    except Exception as error:  # whatever it is, the other cells go on
        line = (str(error).strip().splitlines() or [""])[0]
        return Failure(type(error).__name__, line, traceback.format_exc())


def defended(part: DefencePart, victim: Victim, clean: Pictures) -> Victim:
    """Return a victim behind a suite's defence, a detector fitted on clean pictures."""
    made = part.make()
    if made is None:
        return victim
    if isinstance(made, FeatureSqueezing) and part.false_alarms is not None:
        made = made.fitted(victim, clean.images, part.false_alarms)
    return made(victim)


@torch.no_grad()
def _answers(victim: Victim, images: Encoded) -> Tensor:
    parts: list[Tensor] = list(torch.split(images, PART))
    return torch.cat([victim(Encoded(part)).best.cpu() for part in parts])


def _clean(victim: Victim, source: Victim, pictures: Pictures) -> Outcome:
    answers = _answers(victim, pictures.images)
    refused = None
    if REJECTED in victim.labels:
        refused = int((answers == victim.labels.index(REJECTED)).sum())
    few = Encoded(pictures.images[:PART])
    plain = 0.0 if victim is source else processor_s(source, few)
    slowdown = processor_s(victim, few) / plain if plain > 0 else None
    right = tuple((answers == pictures.labels).tolist())
    return Outcome(right, slowdown=slowdown, refused=refused)


def processor_s(victim: Victim, images: Encoded) -> float:
    """Return the processor time of answering for images once, the least of several."""
    least = inf
    for _ in range(REPEATS):
        began = process_time()
        _answers(victim, images)
        least = min(least, process_time() - began)
    return least


def _attacked(prepared: Prepared, cell: Cell, victim: Victim, source: Victim) -> Outcome:
    suite, pictures = prepared.suite, prepared.pictures[cell.victim]
    part = suite.attacks[cell.attack]
    attack = part.make(cell.eps)
    needs, norm = needs_of(part.name, attack), norm_of(part.name, attack)
    before = _answers(victim, pictures.images) == pictures.labels
    if not before.any():
        told = ("no image is read right before the attack",)
        return Outcome(tuple(before.tolist()), norm=norm, needs=needs, doubts=told)
    met = adaptively(attack, victim, pictures, suite.averaged) if needs == "gradients" else attack
    goal = misread(victim)
    if cell.kind == STATIC:
        met, goal = MadeOn(source, attack), unaware(victim, margin)
    seed, watch = spawn(suite.seed, "cell"), (suite.batch, lambda _share: None)
    found = attack_pictures(
        victim, met, pictures.take(before), (goal, None), seed=seed, watch=watch
    )
    if found.interrupted:
        raise found.fault or KeyboardInterrupt
    right = before.clone()
    right[before] = ~torch.tensor(found.report.met)
    eps = read_eps(cell.eps) if cell.eps else getattr(attack, "eps", None)
    return Outcome(
        tuple(right.tolist()),
        attacked=int(before.sum()),
        queries=found.queries,
        eps=eps,
        norm=norm,
        needs="nothing" if cell.kind == STATIC else needs,
        noise=_pair(found.noise),
        one_step=_pair(found.one_step),
        doubts=found.report.doubts,
    )


def adaptively(
    attack: DigitalAttack, victim: Victim, pictures: Pictures, averaged: int
) -> DigitalAttack:
    """Return an attack with gradients, on the mean of several answers where these are random."""
    if averaged > 1 and is_random(victim, Encoded(pictures.images[:2])):
        return on_mean(attack, victim, averaged)
    return attack


def _certified(part: DefencePart, victim: Victim, pictures: Pictures) -> Outcome:
    """Prove what can be proved of each picture."""
    made, wanted = part.make(), part.certify or CertifyPart()
    images, labels = pictures.images, pictures.labels
    held = dict[str, Tensor]()
    if isinstance(made, RandomizedSmoothing):
        copies = {"select": wanted.select, "estimate": wanted.estimate}
        proof = made.certify(victim, images, **copies, alpha=wanted.alpha)
        read = proof.labels == labels
        held = {f"L2 {radius:g}": proof.holds(labels, radius) for radius in wanted.radii}
    elif isinstance(made, DerandomizedSmoothing):
        proofs = {side: made.certify(victim, images, side) for side in wanted.patch_px}
        held = {f"a patch of {k}x{k} px": one.holds(labels) for k, one in proofs.items()}
        read = next(iter(proofs.values())).labels == labels
    elif isinstance(made, PatchCleanser):
        found = made.certify(victim, images)
        height, width = made.patch_px or (0, 0)
        size = f"{height}x{width} px" if made.patch_px else f"{100 * made.share:g} % of the image"
        held, read = {f"a patch of {size}": found.holds(labels)}, found.labels == labels
    else:
        raise UserError("certify", expected="a defence that certifies", got=part.name)
    each = {threat: tuple(one.tolist()) for threat, one in held.items()}
    return Outcome(tuple(read.tolist()), certified=each)


def _pair(rate: Rate | None) -> Pair | None:
    return None if rate is None else (rate.hits, rate.n)
