"""The judge: fresh conditions, hard print, 8-bit pixels, plain victim, controls, doubts."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from physadv.core import (
    Conditions,
    Encoded,
    Photo,
    Rate,
    check,
    clustered,
    generator,
    quantise,
    spawn,
    take,
    wilson,
)
from physadv.objectives import Objective
from physadv.problem import Problem
from physadv.scene import PhotoScene
from physadv.victims import Victim
from physadv.world import World

CONTROL_DRAWS = 5
"""How many realisations each control has; the photos are shared out among them."""
CONTROL_ROWS = 200
"""How many of the conditions each control is judged under, at most: at 0 hits the interval of
200 ends at 1.9 %, far below the 5 % that a control may reach."""
PART = 64
"""How many images the victim is asked about at once."""

Tick = Callable[[str], None]


@dataclass(frozen=True)
class Report:
    """What was seen: each a rate of success with its interval, over the same conditions.

    `success` with the sticker; `clean` and `controls` how often the objective is met without it
    (the controls under the first `CONTROL_ROWS` of the conditions);
    `correct` how often the bare sign is read as its label (None where it has none).
    """

    success: Rate
    clean: Rate
    correct: Rate | None
    controls: dict[str, Rate]
    n: int
    seed: int
    doubts: tuple[str, ...]


def judge(
    problem: Problem,
    theta: Tensor,
    *,
    seed: int,
    n: int = 500,
    tick: Tick = lambda _: None,
    first: int | None = None,
) -> Report:
    """Judge theta over n fresh conditions drawn from `seed`; `tick` is told each stage's name.

    Only the `first` of them where that is given: a sample of what all n would say.
    """
    given = problem.draw(n, generator(spawn(seed, "judge")))
    n = n if first is None else min(first, n)
    given = take(given, slice(n))
    tick("sticker")
    seen = problem.judge(theta, given)
    tick("bare sign")
    bare = problem.judge(None, given)
    read = bare.answer.best == bare.photo.labels if problem.world.label >= 0 else None
    found = {
        name: rate(hits, take(given, slice(len(hits))), seed)
        for name, hits in _controls(problem, theta, given, seed, tick)
    }
    clean, success = rate(bare.success, given, seed), rate(seen.success, given, seed)
    correct = None if read is None else rate(read, given, seed)
    doubts = _doubts(problem, theta, seen.answer.scores, success, found, correct)
    doubts += _scene_doubts(clean, given) + _photo_doubts(problem.world)
    return Report(success, clean, correct, found, n, seed, doubts)


def rate(success: Tensor, given: Conditions, seed: int, *, by: str = "scene.photo.which") -> Rate:
    """Return the rate of success (n,): Wilson's, or a bootstrap over photos where they repeat.

    `by` names the condition that tells photos, or what else rows may share, from one another.
    Where there is one photo only there is nothing to bootstrap and Wilson's is given; where all
    rows agree the bootstrap's interval would have no width, and Wilson's for the number of
    photos is.
    """
    photo, hits, n = given.get(by), int(success.sum()), len(success)
    photos = n if photo is None else len(photo.unique())
    if photo is None or photos in (1, n):
        return wilson(hits, n)
    if hits in (0, n):
        edge = wilson(photos if hits else 0, photos)
        return Rate(hits, n, edge.low, edge.high)
    return clustered(success, photo, generator(spawn(seed, "bootstrap")))


@dataclass(frozen=True)
class ImageReport:
    """What was seen of attacked images: rates with Wilson's intervals, and how far they are off.

    `success` of the attacked images, `clean` of the images themselves, `controls` of other changes
    of the same kind; `correct` is how often the images themselves are read as their labels (None
    where there are none). `change` is the largest norm of a change: inf, 2 and 1; `answers` is
    what each attacked image is read as, `sure` the probability that the victim gives it (of a
    detector: the score of its best candidate; None where it tells labels alone), `met` whether it
    meets the objective.
    """

    success: Rate
    clean: Rate
    correct: Rate | None
    controls: dict[str, Rate]
    change: dict[str, float]
    answers: tuple[int, ...]
    sure: tuple[float | None, ...]
    n: int
    doubts: tuple[str, ...]
    met: tuple[bool, ...] = ()


class Told(NamedTuple):
    """What is known of B images: what the objective is told, what they show, where the thing is.

    `labels` (B,), `truth` (B,) where that is known, `boxes` (B,4) x1y1x2y2 in pixels, or None for
    the whole image.
    """

    labels: Tensor
    truth: Tensor | None = None
    boxes: Tensor | None = None


@torch.no_grad()
def judge_images(
    victim: Victim,
    images: Encoded,
    attacked: Encoded,
    objective: Objective,
    told: Told,
    controls: Mapping[str, Encoded] | None = None,
) -> ImageReport:
    """Judge attacked images (B,C,H,W) beside the images, all rounded to 8 bits.

    Raises `UserError` where the shapes differ.
    """
    fits, truth = attacked.shape == images.shape, told.truth
    check(fits, "attacked", expected=f"shape {tuple(images.shape)}", got=tuple(attacked.shape))
    plain = _rounded(victim, images, objective, told)
    hits, read, scores = _rounded(victim, attacked, objective, told)
    correct = None if truth is None else _wilson(plain[1] == truth.to(plain[1]))
    others = {
        name: _wilson(_rounded(victim, one, objective, told)[0])
        for name, one in (controls or {}).items()
    }
    success, clean = _wilson(hits), _wilson(plain[0])
    change = (quantise(attacked) - quantise(images)).flatten(1)
    sizes = {name: float(change.norm(p=float(name), dim=1).max()) for name in ("inf", "2", "1")}
    doubts = _score_doubts(scores, others, correct)
    if clean.share > 0.05:
        doubts.append(f"the images themselves meet the objective in {clean}")
    answers = tuple(read.tolist())
    n, told_doubts = len(images), tuple(doubts)
    sure = (None,) * len(scores) if _labels_alone(scores) else tuple(_sure(scores).tolist())
    met = tuple(hits.tolist())
    return ImageReport(success, clean, correct, others, sizes, answers, sure, n, told_doubts, met)


def _sure(scores: Tensor) -> Tensor:
    """Return the probability (B,) of the class read, or the score of the best candidate, if any."""
    if scores.ndim == 2:
        return (scores if _probabilities(scores) else scores.softmax(dim=1)).amax(dim=1)
    flat = scores.flatten(1)
    return torch.cat([flat, torch.zeros_like(flat[:, :0].sum(dim=1, keepdim=True))], 1).amax(dim=1)


def _probabilities(scores: Tensor) -> bool:
    """Tell whether scores (B,K) are such: from 0 on, with the sum 1."""
    return bool((scores >= 0).all() & ((scores.sum(dim=1) - 1).abs() < 1e-3).all())


def _labels_alone(scores: Tensor) -> bool:
    """Tell whether scores (B,K) say no more than a class: 1 for it, else 0."""
    return (
        scores.ndim == 2 and _probabilities(scores) and bool(((scores == 0) | (scores == 1)).all())
    )


def _wilson(hits: Tensor) -> Rate:
    return wilson(int(hits.sum()), len(hits))


def _rounded(
    victim: Victim, images: Encoded, objective: Objective, told: Told
) -> tuple[Tensor, Tensor, Tensor]:
    """Return success (B,), the class read (B,) and the scores (B,K) of images of 8 bits."""
    hits, read, scores = list[Tensor](), list[Tensor](), list[Tensor]()
    whole = torch.tensor([[0.0, 0.0, images.shape[-1], images.shape[-2]]]).repeat(len(images), 1)
    boxes, cuts = whole if told.boxes is None else told.boxes, list(range(PART, len(images), PART))
    parts = [one.tensor_split(cuts) for one in (images, told.labels, boxes)]
    for part, labels, box in zip(*parts, strict=True):
        pixels = Encoded(quantise(part).to(part))
        photo = Photo(pixels, box.reshape(-1, 2, 2), box, labels.to(part.device))
        answer = victim(pixels)
        hits.append(objective.success(answer, photo))
        read.append(answer.best)
        scores.append(answer.scores)
    return torch.cat(hits), torch.cat(read), torch.cat(scores)


def _controls(
    problem: Problem, theta: Tensor, given: Conditions, seed: int, tick: Tick
) -> list[tuple[str, Tensor]]:
    """Return each control's successes, over several realisations of it."""
    rng = generator(spawn(seed, "controls"))
    draws = [problem.patch.controls(theta, rng) for _ in range(CONTROL_DRAWS)]
    n = min(CONTROL_ROWS, len(next(iter(given.values()))))
    shares = torch.arange(n).chunk(CONTROL_DRAWS)
    found = []
    for name in draws[0]:
        tick(f"control: {name}")
        parts = [
            problem.judge(control[name], take(given, rows)).success
            for control, rows in zip(draws, shares, strict=False)
        ]
        found.append((name, torch.cat(parts)))
    return found


def _doubts(
    problem: Problem,
    theta: Tensor,
    scores: Tensor,
    success: Rate,
    controls: dict[str, Rate],
    correct: Rate | None,
) -> tuple[str, ...]:
    """Collect reasons to distrust the figures (after Carlini et al. 2019)."""
    doubts = _score_doubts(scores, controls, correct, "the bare sign")
    doubts += problem.patch.doubts(theta)
    if success.low < 0.5 < success.high:
        doubts.append("success is too near to a coin's toss to call it either way")
    return tuple(doubts)


def _score_doubts(
    scores: Tensor, controls: dict[str, Rate], correct: Rate | None, what: str = "the images"
) -> list[str]:
    """Doubt success that controls have too, victims that are wrong anyway, probabilities."""
    doubts = [
        f"the control '{name}' succeeds in {rate} too"
        for name, rate in controls.items()
        if rate.share > 0.05
    ]
    if correct is not None and correct.share < 0.9:
        doubts.append(f"the victim reads {what} in only {correct}")
    if scores.ndim == 2 and _probabilities(scores) and not _labels_alone(scores):
        doubts.append("the victim gives probabilities, not logits: gradients may vanish")
    return doubts


def _scene_doubts(clean: Rate, given: Conditions) -> tuple[str, ...]:
    """Doubt success that the bare sign has too, and photos that are all of one scene."""
    doubts = []
    if clean.share > 0.05:
        doubts.append(f"the bare sign alone meets the objective in {clean}")
    photo = given.get("scene.photo.which")
    if photo is not None and len(photo.unique()) == 1:
        doubts.append("all photos show one scene: the interval says nothing of other scenes")
    return tuple(doubts)


def _photo_doubts(where: World) -> tuple[str, ...]:
    """Doubt real photos in which the sign does not look as its design, relit, does."""
    scene = getattr(where, "scene", None)  # a third party's world may have none
    return scene.doubts() if isinstance(scene, PhotoScene) else ()
