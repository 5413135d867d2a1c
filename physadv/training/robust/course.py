"""A training that hardens: one loop for every method, an iterator of states that can be resumed."""

import copy
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from physadv.core import Encoded, UserError, check, generator, spawn
from physadv.core.check import above_zero, at_least_one, one_of
from physadv.training.augment import again, conditions
from physadv.training.gtsrb_data import SignCrops
from physadv.training.recogniser import Progress, adam, move_mean, normalised, one_cycle
from physadv.training.robust.lesson import Lesson, Method, learn
from physadv.victims.bundled import SIZE_PX, SignNet, bundled

EVERY = 20
"""Batches between two states."""
LONGEST = 5.0
"""What the slope of all weights is cut at."""
BEGINNINGS = ("bundled", "random")


@dataclass(frozen=True)
class RobustRecipe:
    """Settings that every method shares; `batches` are drawn evenly over the roots of classes."""

    batches: int = 1000
    batch: int = 64
    begin: str = "bundled"
    learning_rate: float = 2e-3
    weight_decay: float = 5e-3
    average: float = 0.99
    seed: int = 0

    def __post_init__(self) -> None:
        """Raise `UserError` for settings that are none."""
        at_least_one(self, "batches", "batch")
        above_zero(self, "learning_rate")
        one_of("begin", self.begin, BEGINNINGS)


@dataclass(frozen=True, eq=False)
class RobustState:
    """After so many batches: the running mean of the network, ready to use, and how to go on."""

    done: int
    net: SignNet
    figures: Mapping[str, float]
    tensors: Mapping[str, Tensor]


class Ready(nn.Module):
    """A recogniser's network that takes images (B,3,h,w) in [0,1]."""

    def __init__(self, net: nn.Module) -> None:
        """Wrap a network."""
        super().__init__()
        self.net = net

    def forward(self, images: Tensor) -> Tensor:
        """Normalise, then ask."""
        found: Tensor = self.net(normalised(images))
        return found


@dataclass
class _Run:
    """The network, its running mean, its optimiser and what the method remembers."""

    net: SignNet
    mean: SignNet
    optimiser: torch.optim.Optimizer
    memory: dict[str, Tensor] = field(default_factory=dict)
    done: int = 0
    loss: float = 0.0


def harden(
    crops: SignCrops,
    method: Method,
    recipe: RobustRecipe,
    *,
    resume: Mapping[str, Tensor] | None = None,
    progress: Progress = lambda *_: None,
) -> Iterator[RobustState]:
    """Train a recogniser by a method on crops taken anew; yield a state now, then every 20 batches.

    Every batch draws from a seed of its own, so that a run that is resumed from a state's
    `tensors` ends as one that never stopped, and two runs of one seed are equal on one machine.
    The learning rate has one cycle over all batches. Raises `UserError` for another's tensors.
    """
    check(len(crops) > 0, "crops", expected="at least one", got="none")
    run = _begin(recipe)
    if resume is not None:
        _restore(run, resume)
    yield _state(run)
    balance = crops.classes.bincount().float()[crops.classes].rsqrt()
    while run.done < recipe.batches:
        rng = generator(spawn(recipe.seed, "lesson", run.done))
        chosen = torch.multinomial(balance, recipe.batch, replacement=True, generator=rng)
        _advance(run, _lesson(run, crops.rows(chosen), rng), method, recipe)
        progress(run.done, recipe.batches, {"loss": run.loss})
        if run.done % EVERY == 0 or run.done == recipe.batches:
            yield _state(run)


def _begin(recipe: RobustRecipe) -> _Run:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(spawn(recipe.seed, "weights"))
        net = SignNet()
    if recipe.begin == "bundled":
        net.load_state_dict(bundled().module.state_dict())
    net = net.to(memory_format=torch.channels_last)
    optimiser = adam(net, recipe.learning_rate, recipe.weight_decay)
    return _Run(net, copy.deepcopy(net).eval().requires_grad_(False), optimiser)


def _lesson(run: _Run, crops: SignCrops, rng: torch.Generator) -> Lesson:
    """Return a batch of crops and the photographs of them."""
    given, plain = conditions(len(crops), rng), crops.pixels.float() / 255

    def taken(shown: Tensor) -> Tensor:
        first = {name: value[: len(shown)] for name, value in given.items()}
        rows = crops.rows(torch.arange(len(shown)))
        return again(rows, Encoded(shown), SIZE_PX, first).clamp(0, 1)

    images = taken(plain)
    return Lesson(Ready(run.net), images, crops.classes, rng, run.memory, plain, taken)


def _advance(run: _Run, lesson: Lesson, method: Method, recipe: RobustRecipe) -> None:
    """Take the steps that a method wants on one batch."""
    for group in run.optimiser.param_groups:
        group["lr"] = one_cycle(run.done / recipe.batches, recipe.learning_rate)
    run.net.train()
    seed = spawn(recipe.seed, "dropout", run.done)
    run.loss = learn(lesson, method, run.optimiser, seed, longest=LONGEST)
    run.done += 1
    move_mean(run.mean, run.net, min(recipe.average, run.done / (10 + run.done)))


def _state(run: _Run) -> RobustState:
    return RobustState(run.done, copy.deepcopy(run.mean), {"loss": run.loss}, _tensors(run))


def _tensors(run: _Run) -> dict[str, Tensor]:
    flat = {"done": torch.tensor(run.done)}
    for part, module in (("net", run.net), ("mean", run.mean)):
        flat |= {f"{part}.{name}": value.clone() for name, value in module.state_dict().items()}
    for index, known in run.optimiser.state_dict()["state"].items():
        flat |= {f"adam.{index}.{name}": value.clone() for name, value in known.items()}
    return flat | {f"memory.{name}": value.clone() for name, value in run.memory.items()}


def _restore(run: _Run, tensors: Mapping[str, Tensor]) -> None:
    try:
        run.net.load_state_dict(_below(tensors, "net"))
        run.mean.load_state_dict(_below(tensors, "mean"))
        run.done = int(tensors["done"])
    except (RuntimeError, KeyError) as error:
        expected = "a state of a training of the recogniser"
        raise UserError("resume", expected=expected, got="another's") from error
    whole = run.optimiser.state_dict()
    for name, value in _below(tensors, "adam").items():
        index, _, what = name.partition(".")
        whole["state"].setdefault(int(index), {})[what] = value.clone()
    run.optimiser.load_state_dict(whole)
    run.memory.update({name: v.clone() for name, v in _below(tensors, "memory").items()})


def _below(tensors: Mapping[str, Tensor], part: str) -> dict[str, Tensor]:
    return {n.removeprefix(part + "."): v for n, v in tensors.items() if n.startswith(part + ".")}
