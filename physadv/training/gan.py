"""The recipe behind `physadv train gan`: train, measure on the way, leave generator and card."""

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from physadv.core import Encoded, check, generator, spawn
from physadv.core.whole import clear_unfinished
from physadv.generative import (
    GanRecipe,
    GanState,
    Generator,
    Measured,
    Quality,
    compare,
    doubts,
    sample,
    save_generator,
    save_grid,
    train,
)
from physadv.generative.files import read_tensors, write_tensors
from physadv.generative.networks import SIDE
from physadv.generative.quality import NEIGHBOURS
from physadv.generative.train import Progress
from physadv.victims import Classifier
from physadv.victims.bundled import bundled
from physadv.victims.frozen import frozen

Features = Callable[[Encoded], Tensor]
GENERATOR, CARD, SAMPLES = "generator.safetensors", "card.json", "samples.png"
CHECKPOINT = "checkpoint.safetensors"
MOST_N = 2000
SHOWN = 64


@dataclass(frozen=True)
class GanPlan:
    """What is done beside training: measure every few epochs, stop after `minutes` if given."""

    every: int = 5
    minutes: float | None = None
    resume: bool = False


PLAN = GanPlan()


@dataclass
class _Course:
    """A training as it is measured: real features, and what was found so far."""

    recipe: GanRecipe
    plan: GanPlan
    features: Features
    real: Tensor
    history: list[Measured] = field(default_factory=list)
    seconds: float = 0.0

    def measure(self, state: GanState) -> None:
        """Note what a state's generator is worth, unless that is known."""
        if state.epoch not in [one.epoch for one in self.history]:
            made = self.features(sample(state.generator, len(self.real), seed=1))
            self.history.append(Measured(state.epoch, compare(self.real, made), state.figures))

    def due(self, epoch: int) -> bool:
        """Whether to measure after an epoch."""
        return epoch in (0, 1) or epoch % self.plan.every == 0 or self.over(epoch)

    def over(self, epoch: int) -> bool:
        """Whether to stop after an epoch."""
        late = self.plan.minutes is not None and self.seconds >= 60 * self.plan.minutes
        return late or epoch >= self.recipe.epochs


def train_gan(
    pictures: Tensor,
    recipe: GanRecipe,
    out: Path,
    *,
    plan: GanPlan = PLAN,
    features: Features | None = None,
    progress: Progress = lambda *_: None,
) -> dict[str, Any]:
    """Train a GAN on pictures (N,3,32,32), bytes; return the card of what `out` then holds.

    Leaves generator.safetensors, card.json, samples.png, and checkpoint.safetensors, which a stop
    at any time leaves whole and `plan.resume` goes on from. `features` are the bundled
    recogniser's penultimate ones unless given. Raises `UserError` for too few pictures, or where
    the checkpoint's settings are others (but for `epochs`, which decide nothing else).
    """
    features = features or recogniser_features(bundled())
    real, others = _real_features(pictures, features, recipe)
    course, tensors = _Course(recipe, plan, features, real), None
    if plan.resume:
        tensors = _resume(out / CHECKPOINT, course)
    out.mkdir(parents=True, exist_ok=True)
    clear_unfinished(out)
    made = _follow(train(pictures, recipe, resume=tensors, progress=progress), course, out)
    save_generator(out / GENERATOR, made)
    card = _card(course, compare(real, others), len(pictures))
    (out / CARD).write_text(json.dumps(card, indent=2) + "\n", encoding="utf-8")
    return card


def recogniser_features(victim: Classifier, batch: int = 250) -> Features:
    """Return what the last layer of a sequential classifier is given, (n,d), of pictures."""
    layers = list(victim.module.children())
    body = nn.Sequential(*layers[:-1])

    def features(pictures: Encoded) -> Tensor:
        with torch.no_grad(), frozen(body):
            parts = [body(victim.prepare(Encoded(part))) for part in torch.split(pictures, batch)]
        return torch.cat(parts)

    return features


def _follow(states: Iterator[GanState], course: _Course, out: Path) -> Generator:
    """Measure and keep states until it is over; return the last one's generator."""
    started = time.monotonic() - course.seconds
    while True:
        state = next(states)
        course.seconds = time.monotonic() - started
        if course.due(state.epoch):
            course.measure(state)
        _keep(out, state, course)
        if course.over(state.epoch):
            return state.generator


def _real_features(
    pictures: Tensor, features: Features, recipe: GanRecipe
) -> tuple[Tensor, Tensor]:
    """Return the features of n real pictures and of n others."""
    n = min(MOST_N, len(pictures) // 2)
    least = max(recipe.batch, 2 * (NEIGHBOURS + 1))
    expected = f"at least {least} pictures: a batch, and enough to measure"
    check(len(pictures) >= least, "data", expected=expected, got=len(pictures))
    order = torch.randperm(len(pictures), generator=generator(spawn(recipe.seed, "measured")))
    chosen = features(Encoded(pictures[order[: 2 * n]].float() / 255))
    return chosen[:n], chosen[n:]


def _keep(out: Path, state: GanState, course: _Course) -> None:
    """Write the checkpoint and the samples of a state."""
    history = [asdict(one) for one in course.history]
    facts = {"recipe": asdict(course.recipe), "history": history, "seconds": course.seconds}
    write_tensors(out / CHECKPOINT, state.tensors, facts)
    save_grid(out / SAMPLES, sample(state.generator, SHOWN))


def _resume(path: Path, course: _Course) -> dict[str, Tensor]:
    """Read a checkpoint's tensors and its course; raises `UserError` where it is of another."""
    tensors, facts = read_tensors(path, "resume", "a folder with a training that was stopped")
    old, new = facts["recipe"], asdict(course.recipe)
    others = [
        f"{n} {new[n]} instead of {old[n]}" for n in new if n != "epochs" and new[n] != old[n]
    ]
    expected, fix = "the settings the training began with", "give the same, or leave --resume out"
    check(not others, "resume", expected=expected, got=", ".join(others), fix=fix)
    course.seconds = float(facts["seconds"])
    for one in facts["history"]:
        quality = Quality(**one["quality"])
        course.history.append(Measured(one["epoch"], quality, one["figures"]))
    return tensors


def _card(course: _Course, anchor: Quality, count: int) -> dict[str, Any]:
    kind = course.recipe.kind
    return {
        "trained on": f"{count} pictures, {SIDE}x{SIDE} px",
        "recipe": asdict(course.recipe),
        "epochs": course.history[-1].epoch,
        "seconds": round(course.seconds, 1),
        "figures are of": f"n={anchor.n} made against n={anchor.n} real pictures",
        "as many real pictures": asdict(anchor),
        "measured": [asdict(one) for one in course.history],
        "doubts": list(doubts(course.history, kind)),
    }
