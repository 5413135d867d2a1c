"""Agents in their environments: episodes played side by side, with or without an attacker."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor, nn

from physadv.core import check, generator, spawn

FAR = 1e6
"""Stands for bounds without end."""


class Env(Protocol):
    """What is asked of an environment: Gymnasium's, with numbered actions."""

    observation_space: Any
    action_space: Any

    def reset(self, *, seed: int | None = ...) -> tuple[Any, dict[str, Any]]:
        """Return the first observation and what else is known."""

    def step(self, action: int) -> tuple[Any, Any, bool, bool, dict[str, Any]]:
        """Return observation, reward, terminated, truncated and what else is known."""


Make = Callable[[], Env]


@dataclass(frozen=True, eq=False)
class Space:
    """What observations may be: `low`, `high` and a `scale`, each shaped as one observation.

    Sizes of changes are counted in `scale`: 1 for pixels; for a vector of metres and degrees the
    spread of each, see `spread`.
    """

    low: Tensor
    high: Tensor
    scale: Tensor


class Attacker(Protocol):
    """What stands between environment and policy; see `ObservationAttack`."""

    def __call__(
        self, policy: nn.Module, observations: Tensor, space: Space, rng: torch.Generator, /
    ) -> tuple[Tensor, Tensor]:
        """Return observations (B,...) and which of them were attacked, (B,) bool."""


@dataclass(frozen=True, eq=False)
class Played:
    """What came of n episodes, each (n,): return, steps, steps attacked, steps it acted otherwise.

    `turned` counts the attacked steps in which the policy took another action than it would have.
    """

    returns: Tensor
    steps: Tensor
    attacked: Tensor
    turned: Tensor

    @property
    def share(self) -> float:
        """The share of all steps that were attacked."""
        return float(self.attacked.sum() / self.steps.sum())


def bounds(make: Make) -> Space:
    """Return an environment's bounds of observations, with a scale of 1."""
    space = make().observation_space
    low, high = (torch.as_tensor(np.asarray(one), dtype=torch.float32) for one in _ends(space))
    return Space(low.clamp(-FAR, FAR), high.clamp(-FAR, FAR), torch.ones_like(low))


def spread(make: Make, policy: nn.Module, seeds: Sequence[int]) -> Space:
    """Return the bounds, with the standard deviation of what the policy sees as the scale."""
    plain, seen = bounds(make), list[Tensor]()

    def look(
        _policy: nn.Module, observations: Tensor, _space: Space, _rng: torch.Generator
    ) -> tuple[Tensor, Tensor]:
        seen.append(observations)
        return observations, torch.zeros(len(observations), dtype=torch.bool)

    play(make, policy, seeds, look)
    return Space(plain.low, plain.high, torch.cat(seen).std(dim=0).clamp_min(1e-6))


def play(
    make: Make,
    policy: nn.Module,
    seeds: Sequence[int],
    attacker: Attacker | None = None,
    *,
    space: Space | None = None,
    seed: int = 0,
) -> Played:
    """Play an episode from each of the environment's seeds; the action of highest score is taken.

    `policy` is a module from observations (B,...) float32 to scores (B,A) of the actions: values
    or logits. The attacker changes what the policy sees, never the environment; its chance comes
    from `seed`. `space` is the environment's `bounds` if it is not given. Raises `UserError` for
    an environment without numbered actions, for scores that do not fit them or are no numbers.
    """
    check(len(seeds) >= 1, "seeds", expected="at least one episode", got=0)
    worlds, rng = [make() for _ in seeds], generator(spawn(seed, "attacker"))
    space = space or bounds(make)
    first = actions_of(worlds[0])[0]
    views = [world.reset(seed=one)[0] for world, one in zip(worlds, seeds, strict=True)]
    totals = torch.zeros(4, len(seeds), dtype=torch.float64)
    alive = list(range(len(seeds)))
    while alive:
        seen = observed([views[k] for k in alive])
        wanted, touched = acts(policy, seen, worlds[0]), torch.zeros(len(alive), dtype=torch.bool)
        taken = wanted
        if attacker is not None:
            changed, touched = attacker(policy, seen, space, rng)
            taken = acts(policy, changed, worlds[0])
        ended = set[int]()
        for row, k in enumerate(alive):
            views[k], reward, *ends, _ = worlds[k].step(first + int(taken[row]))
            totals[0, k] += float(reward)
            ended |= {k} if any(ends) else set()
        now = torch.stack([torch.ones_like(touched), touched, touched & (taken != wanted)])
        totals[1:, alive] += now.double()
        alive = [k for k in alive if k not in ended]
    return Played(*totals)


def actions_of(world: Env) -> tuple[int, int]:
    """Return the first action's number and how many there are."""
    space = world.action_space
    count = getattr(space, "n", None)
    expected = "an environment with numbered actions (Discrete)"
    check(count is not None, "environment", expected=expected, got=repr(space))
    return int(getattr(space, "start", 0)), int(count or 0)


def observed(views: Sequence[Any]) -> Tensor:
    """Return observations as a batch (B,...), float32."""
    return torch.from_numpy(np.stack([np.asarray(one, dtype=np.float32) for one in views]))


@torch.no_grad()
def acts(policy: nn.Module, observations: Tensor, world: Env) -> Tensor:
    """Return the action of highest score for each observation, (B,), counted from 0."""
    scores, count = policy(observations), actions_of(world)[1]
    fits, wanted = tuple(scores.shape) == (len(observations), count), f"scores (B,{count})"
    check(fits, "policy", expected=wanted, got=tuple(scores.shape))
    good = not bool(scores.isnan().any())
    check(good, "policy", expected="scores that are numbers", got="NaN")
    best: Tensor = scores.argmax(dim=1)
    return best


def _ends(space: Any) -> tuple[Any, Any]:
    ends = getattr(space, "low", None), getattr(space, "high", None)
    expected = "an environment whose observations are an array with bounds (Box)"
    check(ends[0] is not None, "environment", expected=expected, got=repr(space))
    return ends
