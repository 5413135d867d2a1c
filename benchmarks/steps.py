"""One step of the bare network and of ours, whole, in parts, and with an effect switched off."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, is_dataclass
from functools import partial

import torch
from torch import Tensor, nn

from benchmarks.cases import Case, pictures
from physadv.core import (
    Choice,
    Encoded,
    Span,
    at_rest,
    generator,
    neutral,
    with_value,
)
from physadv.core.device import device_now, device_of, on
from physadv.objectives import margin, targeted
from physadv.patch import Limits, Pixels, candidates
from physadv.presets import world
from physadv.problem import Problem
from physadv.scene import StreetScene, sign
from physadv.victims import Classifier

Step = Callable[[int], object]
"""Does the work of a round, named by its number: equal numbers draw equal conditions."""

Build = Callable[[Case, nn.Module], Step]

TARGET, TRUE = 5, 9
WHOLE = "whole"
JPEG = "camera.jpeg"


def bare(case: Case, network: nn.Module) -> Step:
    """Forward, and backward to ready pictures."""
    ready = pictures(case).requires_grad_()
    return lambda _: torch.autograd.grad(network(ready)[:, TARGET].sum(), ready)


def bare_forward(case: Case, network: nn.Module) -> Step:
    """Forward only, recording for a backward pass."""
    ready = pictures(case).requires_grad_()
    return lambda _: network(ready)


def problem(preset: str, case: Case, network: nn.Module) -> Problem:
    """Return a stop sign with a sticker in its middle, in the world of a preset."""
    labels = [str(index) for index in range(case.classes)]
    victim = Classifier(network, labels, size_px=case.size_px, name=case.network)
    scene = StreetScene(sign("stop"))
    patch = Pixels(candidates(scene.face(), Limits())["middle"])
    return Problem(victim, targeted(TARGET, margin), patch, world(preset, scene, label=TRUE))


def whole(preset: str, case: Case, network: nn.Module) -> Step:
    """Fresh conditions, print, scene, camera, victim, loss, and backward to theta."""
    ours = problem(preset, case, network)
    theta = _theta(ours)

    def step(number: int) -> object:
        outcome = ours.evaluate(theta, _given(ours, case, number))
        return torch.autograd.grad(outcome.loss.sum(), theta)

    return step


def world_forward(preset: str, case: Case, network: nn.Module) -> Step:
    """The world alone, from theta to framed pictures, recording for a backward pass."""
    ours = problem(preset, case, network)
    theta = _theta(ours)
    return lambda number: _photos(ours, theta, _given(ours, case, number))


def effects(preset: str, case: Case, network: nn.Module) -> dict[str, Step]:
    """The world alone, forward and backward to theta: `WHOLE`, and without one effect each."""
    ours = problem(preset, case, network)
    theta, cotangent = _theta(ours), pictures(case)

    def step(name: str, used: Problem, number: int) -> object:
        # What is off draws nothing; the rest must see the same conditions as the whole.
        rest = neutral(_spans(used, name), case.batch)
        given = _given(ours, case, number) | rest
        return torch.autograd.grad(_photos(used, theta, given), theta, cotangent)

    without = {name: with_value(ours, f"world.{name}", off) for name, off in resting(ours.world)}
    return {name: partial(step, name, used) for name, used in {WHOLE: ours, **without}.items()}


@dataclass(frozen=True)
class Untouched:
    """Stands in for the encoding, which has no neutral: the picture stays as it is."""

    def __call__(self, image: Encoded, *_: object) -> Encoded:
        """Return the picture."""
        return image


def resting(whole_world: object) -> list[tuple[str, object]]:
    """List what can be switched off in a world: its dotted name, and what stands in for it.

    An effect that varies in spans or choices can, where each has a neutral; so can the encoding.
    """
    optional = ((name, at_rest(effect)) for name, effect in _optional(whole_world, ""))
    return [*optional, (JPEG, Untouched())]


def _optional(part: object, prefix: str) -> Iterator[tuple[str, object]]:
    for field in fields(part):  # type: ignore[arg-type]  # only dataclasses come here
        value, name = getattr(part, field.name), prefix + field.name
        if not is_dataclass(value):
            continue
        varying = [getattr(value, inner.name) for inner in fields(value)]
        neutrals = [one.neutral for one in varying if isinstance(one, Span | Choice)]
        if neutrals and None not in neutrals and at_rest(value) != value:
            yield name, value
        yield from _optional(value, name + ".")


def _spans(used: Problem, name: str) -> dict[str, Span]:
    """Return the spans of the effect at a dotted name; all of them are at rest."""
    below = {key: one for key, one in used.declared().items() if key.startswith(name + ".")}
    return {key: one for key, one in below.items() if isinstance(one, Span)}


def _theta(ours: Problem) -> Tensor:
    return ours.patch.start(generator(0)).requires_grad_()


def _given(ours: Problem, case: Case, number: int) -> dict[str, Tensor]:
    return ours.draw(case.batch, generator(number))


def _photos(ours: Problem, theta: Tensor, given: dict[str, Tensor]) -> Tensor:
    size_px = ours.victim.size_px
    with on(device_of(ours.victim)):
        ink = ours.patch.touch(theta.to(device_now()), ours.world.ink_px(size_px))
        return ours.world.photograph(ink, given, size_px).pixels
