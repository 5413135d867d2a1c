"""What must hold between attacks of one run; where it does not, something is wrong with one."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Protocol

from physadv.attacks.digital import Needs
from physadv.attacks.digital.substitute import Transfer
from physadv.core import Rate
from physadv.core.paired import mcnemar
from physadv.evaluation.digital import Attacked

BLACK: tuple[Needs, ...] = ("scores", "labels", "nothing")
LEVEL = 0.05
"""A p below it is a doubt."""
LEARNT = ": what the substitute learnt is nothing the victim knows"


class Tried(Protocol):
    """What is compared of an attack; see `Run`."""

    @property
    def name(self) -> str:
        """What it is called."""

    @property
    def told(self) -> str:
        """What tables call it."""

    @property
    def eps(self) -> float | None:
        """The largest change, None where it has none."""

    @property
    def size(self) -> str:
        """The same as people write it."""

    @property
    def needs(self) -> Needs | None:
        """What it must be told, None where that is not known."""

    @property
    def norm(self) -> str | None:
        """The norm that eps is one of."""

    @property
    def transferred(self) -> bool:
        """Whether its images were made on another victim."""

    @property
    def success(self) -> Rate:
        """How often it succeeds."""

    @property
    def met(self) -> Sequence[bool]:
        """In which of the images, which are the same for all."""

    @property
    def noise(self) -> Rate | None:
        """How often noise of its size does."""

    @property
    def one_step(self) -> Rate | None:
        """How often it does after one step."""


@dataclass(frozen=True, eq=False)
class Run:
    """One attack of several: its name, eps (None where it has none), settings as texts, outcome.

    `needs` is None where that is not known, `norm`, of which eps is one, where there is none.
    """

    name: str
    eps: float | None
    found: Attacked
    settings: dict[str, str] = field(default_factory=dict)
    needs: Needs | None = None
    norm: str | None = None

    @property
    def transferred(self) -> bool:
        """Whether its images were made on a substitute."""
        return self.name == Transfer.about.name

    @property
    def told(self) -> str:
        """What tables call it."""
        return self.name if self.eps is None else f"{self.name}, eps {self.size}"

    @property
    def size(self) -> str:
        """Its eps as it was given."""
        return self.settings.get("eps", "")

    @property
    def success(self) -> Rate:
        """How often it succeeds."""
        return self.found.report.success

    @property
    def met(self) -> Sequence[bool]:
        """In which of the images."""
        return self.found.report.met

    @property
    def noise(self) -> Rate | None:
        """How often noise of the same size succeeds."""
        return self.found.noise

    @property
    def one_step(self) -> Rate | None:
        """How often it succeeds after one step, None for one that is told no steps."""
        return self.found.one_step


def audit(runs: Sequence[Tried]) -> list[str]:
    """Return doubts (after Carlini et al. 2019, On Evaluating Adversarial Robustness, section 5).

    Many steps succeed no less than one, an attack more than noise of its size, a larger eps no
    less than a smaller one, and one that sees gradients no less than one that does not. What is
    made on a substitute is between: below what sees the victim itself, above noise.
    """
    return [*_steps(runs), *_noise(runs), *_eps(runs), *_knowledge(runs), *_transfer(runs)]


def _steps(runs: Sequence[Tried]) -> list[str]:
    return [
        f"{run.told}: one step succeeds in {run.one_step}, all steps in {run.success} only:"
        " its steps overshoot, or gradients are masked"
        for run in runs
        if run.one_step is not None and run.one_step.share > run.success.share
    ]


def _noise(runs: Sequence[Tried]) -> list[str]:
    found = [(run, run.noise) for run in runs]
    return [
        f"{run.told}: succeeds in {run.success}, noise of the same size in {noise} too"
        + (LEARNT if run.transferred else "")
        for run, noise in found
        if noise is not None and noise.hits and noise.share >= run.success.share
    ]


def _eps(runs: Sequence[Tried]) -> list[str]:
    doubts = []
    ordered = sorted((run for run in runs if run.eps is not None), key=lambda run: run.eps or 0)
    for name in dict.fromkeys(run.name for run in ordered):
        for small, large in pairwise(run for run in ordered if run.name == name):
            if large.success.share < small.success.share:
                told = f"{large.told}: succeeds in {large.success}, less than the {small.success}"
                doubts.append(f"{told} of the smaller eps {small.size}")
    return doubts


def _knowledge(runs: Sequence[Tried]) -> list[str]:
    """Doubt where the best white box is behind a black box of its eps: one step may well be."""
    doubts = []
    for black in (one for one in runs if one.needs in BLACK and not one.transferred):
        same = [run for run in runs if run.needs == "gradients" and run.eps == black.eps]
        if black.eps is None or not same:
            continue
        white = max(same, key=lambda run: run.success.share)
        beaten = _beaten(white, black)
        if beaten:
            told = f"{white.told}: succeeds in {white.success}, less than {black.name}, which sees "
            told += f"{black.needs} only, in {black.success}; {beaten}"
            doubts.append(f"{told}: gradients may be masked")
    return doubts


def _transfer(runs: Sequence[Tried]) -> list[str]:
    """Doubt where a substitute's images beat those of the best white box of its eps and norm."""
    doubts = []
    for run in (one for one in runs if one.transferred):
        sizes = (run.eps, run.norm)
        same = [one for one in runs if one.needs == "gradients" and (one.eps, one.norm) == sizes]
        if None in sizes or not same:
            continue
        white = max(same, key=lambda one: one.success.share)
        beaten = _beaten(white, run)
        if beaten:
            told = f"{white.told}: succeeds in {white.success}, less than {run.name}, which was "
            doubts.append(
                f"{told}made without it, in {run.success}; {beaten}: gradients may be masked"
            )
    return doubts


def _beaten(white: Tried, run: Tried) -> str:
    """Say by how many images a run beats another; nothing where it does not, or by chance.

    They met the same images, so that McNemar's test (1947) tells.
    """
    pairs = list(zip(run.met, white.met, strict=False))
    only, less = pairs.count((True, False)), pairs.count((False, True))
    p = mcnemar(only, less)
    if only <= less or p >= LEVEL:
        return ""
    told = f"{only} images fall to {run.name} alone, {less} to {white.name} alone"
    return f"{told} (McNemar's p {p:.2g})"
