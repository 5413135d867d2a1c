"""Agents trained by deep Q-learning: small tasks, in a minute or so on one processor core.

Mnih et al., "Human-level Control through Deep Reinforcement Learning", Nature 518, 2015, with the
targets of van Hasselt, Guez & Silver, "Deep Reinforcement Learning with Double Q-learning", AAAI
2016.
"""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, field
from math import inf, prod
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import smooth_l1_loss

from physadv.beyond.play import Env, Make, actions_of, bounds, observed, play
from physadv.core import check, generator, spawn
from physadv.core.check import at_least_one

Progress = Callable[[int, float], None]


@dataclass(frozen=True)
class DQN:
    """Settings of deep Q-learning; call it with what makes an environment.

    `steps` of `worlds` environments in turn; a random action in a share `explore` of them, falling
    from 1 over the first third; `memory` transitions are kept, `batch` of them drawn for each of
    `updates` updates a round; the target network takes a share `follow` of the weights at each.
    The rate falls to 0 evenly. Every `look` steps `trials` episodes are played without exploring:
    the best agent is kept, and training ends where their mean return reaches `goal`.
    """

    steps: int = 80_000
    worlds: int = 8
    memory: int = 50_000
    batch: int = 64
    updates: int = 2
    rate: float = 5e-4
    discount: float = 0.99
    explore: float = 0.05
    follow: float = 0.01
    look: int = 4_000
    trials: int = 20
    goal: float = inf

    def __post_init__(self) -> None:
        """Raise `UserError` for settings that are none."""
        at_least_one(self, "steps", "worlds", "memory", "batch", "updates", "look", "trials")

    def __call__(
        self, make: Make, *, seed: int, watch: Progress = lambda _steps, _mean: None
    ) -> nn.Sequential:
        """Return a policy that is not trained any further; `watch` is told steps and mean return.

        The networks are a perceptron for vectors and two convolutions for frames (C,H,W).
        """
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(spawn(seed, "weights"))  # torch's layers draw from no other
            shape, count = bounds(make).low.shape, actions_of(make())[1]
            learner = _Learner(self, network(tuple(shape), count), tuple(shape))
        rng, worlds = generator(spawn(seed, "training")), [make() for _ in range(self.worlds)]
        views = [world.reset(seed=spawn(seed, k) % 2**31)[0] for k, world in enumerate(worlds)]
        trials = [spawn(seed, "trial", k) % 2**31 for k in range(self.trials)]
        best, kept, done = -torch.inf, deepcopy(learner.network), 0
        while done < self.steps and best < self.goal:
            done += self.worlds
            learner.act(worlds, views, max(self.explore, 1 - 3 * done / self.steps), rng)
            learner.optimiser.param_groups[0]["lr"] = self.rate * max(0.0, 1 - done / self.steps)
            if learner.stored >= 10 * self.batch:
                for _ in range(self.updates):
                    learner.update(rng)
            if done % self.look < self.worlds or done >= self.steps:
                mean = float(play(make, learner.network, trials).returns.mean())
                watch(done, mean)
                if mean >= best:
                    best, kept = mean, deepcopy(learner.network)
        return kept.requires_grad_(False).eval()


def network(shape: tuple[int, ...], actions: int) -> nn.Sequential:
    """Return a network from observations (B,*shape) to scores (B,actions), not yet trained."""
    good = len(shape) in (1, 3)
    check(good, "environment", expected="observations (N,) or (C,H,W)", got=f"shape {shape}")
    if len(shape) == 1:
        head = nn.Sequential(nn.Linear(shape[0], 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU())
        return nn.Sequential(*head, nn.Linear(64, actions))
    eyes = nn.Sequential(
        nn.Conv2d(shape[0], 16, 4, stride=2, padding=1),
        nn.ReLU(),
        nn.Conv2d(16, 16, 4, stride=2, padding=1),
        nn.ReLU(),
        nn.Flatten(),
    )
    features = 16 * prod(side // 4 for side in shape[1:])
    return nn.Sequential(*eyes, nn.Linear(features, 64), nn.ReLU(), nn.Linear(64, actions))


@dataclass(eq=False)
class _Learner:
    """The networks and the memory of transitions: what was seen, done, earned, seen next."""

    how: DQN
    network: nn.Sequential
    shape: tuple[int, ...]
    stored: int = 0
    at: int = 0
    rows: dict[str, Tensor] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.target = deepcopy(self.network).requires_grad_(False)
        self.optimiser = torch.optim.Adam(self.network.parameters(), lr=self.how.rate)
        size = self.how.memory
        self.rows = {name: torch.zeros(size, *self.shape) for name in ("seen", "after")}
        self.rows |= {"action": torch.zeros(size, dtype=torch.long)}
        self.rows |= {name: torch.zeros(size) for name in ("reward", "on")}

    def act(
        self, worlds: list[Env], views: list[Tensor], explore: float, rng: torch.Generator
    ) -> None:
        """Take a step in each world and keep it; a world that has ended begins again."""
        seen, (first, count) = observed(views), actions_of(worlds[0])
        with torch.no_grad():
            actions = self.network(seen).argmax(dim=1)
        chance = torch.rand(len(worlds), generator=rng) < explore
        actions = torch.where(chance, torch.randint(count, actions.shape, generator=rng), actions)
        for k, world in enumerate(worlds):
            after, reward, dead, cut, _ = world.step(first + int(actions[k]))
            self._keep(seen[k], actions[k], float(reward), observed([after])[0], on=not dead)
            views[k] = world.reset()[0] if dead or cut else after

    def _keep(self, seen: Tensor, action: Tensor, reward: float, after: Tensor, on: bool) -> None:
        row: dict[str, Any] = {
            "seen": seen,
            "action": action,
            "reward": reward,
            "after": after,
            "on": float(on),
        }
        for name, value in row.items():
            self.rows[name][self.at] = value
        self.at = (self.at + 1) % self.how.memory
        self.stored = min(self.stored + 1, self.how.memory)

    def update(self, rng: torch.Generator) -> None:
        """Learn from a batch of the memory."""
        drawn = torch.randint(self.stored, (self.how.batch,), generator=rng)
        row = {name: values[drawn] for name, values in self.rows.items()}
        with torch.no_grad():
            choice = self.network(row["after"]).argmax(dim=1, keepdim=True)
            ahead = self.target(row["after"]).gather(1, choice)[:, 0]
            wanted = row["reward"] + self.how.discount * row["on"] * ahead
        held = self.network(row["seen"]).gather(1, row["action"][:, None])[:, 0]
        self.optimiser.zero_grad()
        smooth_l1_loss(held, wanted).backward()
        nn.utils.clip_grad_norm_(self.network.parameters(), 10.0)
        self.optimiser.step()
        with torch.no_grad():
            for slow, fast in zip(self.target.parameters(), self.network.parameters(), strict=True):
                slow.lerp_(fast, self.how.follow)
