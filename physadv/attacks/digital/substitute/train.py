"""A substitute for a black box: a network that learns the victim's answers, and asks for more.

Papernot et al. 2017, algorithm 1: images of the attacker's own are shown to the victim; a network
learns its answers; every image, moved along the sign of the network's Jacobian, is shown next.
"""

from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass
from time import perf_counter

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, one_hot

from physadv.attacks.digital.substitute.augment import jacobian_step, reservoir, step_of
from physadv.attacks.digital.substitute.networks import as_victim, build_network
from physadv.attacks.digital.substitute.recipe import SubstituteRecipe
from physadv.core import Encoded, Rate, UserError, check, generator, quantise, spawn, wilson
from physadv.victims import BudgetError, Classifier, Victim

PART = 64
"""How many images the victim is shown at once."""
NET = "net."


@dataclass(frozen=True, eq=False)
class SubstituteState:
    """Where a training stands: `tensors` is all it needs to go on.

    `trained` counts the trainings that are done, `queries` the images shown to the victim.
    `agreed` tells of how many of those images that were asked last the substitute had foretold
    the label, before it learnt it (None at first); `loss` is the last epoch's mean.
    """

    trained: int
    queries: int
    loss: float
    agreed: Rate | None
    seconds: float
    tensors: Mapping[str, Tensor]


@dataclass(frozen=True, eq=False)
class Substituted:
    """A substitute, the state it was in when the training ended, and whether by Ctrl-C."""

    substitute: Classifier
    state: SubstituteState
    interrupted: bool


def _untold(_done: float, _what: str) -> None:
    """Tell nobody how it goes on."""


def _unkept(_state: SubstituteState) -> None:
    """Keep no state."""


@dataclass(frozen=True)
class SubstituteWatch:
    """Who is told how a training goes on.

    `tick` is told the share done and what is being done; `state` each state that is worth keeping:
    after every training, and where it stops for whatever reason.
    """

    tick: Callable[[float, str], None] = _untold
    state: Callable[[SubstituteState], None] = _unkept


def train_substitute(
    victim: Victim,
    images: Encoded,
    recipe: SubstituteRecipe | None = None,
    *,
    seed: int = 0,
    resume: Mapping[str, Tensor] | None = None,
    watch: SubstituteWatch | None = None,
) -> Substituted:
    """Return a substitute for a victim that is only asked, from the attacker's images (N,3,H,W).

    Images are shown rounded to 8 bits, each once, never more than `recipe.queries`. With `resume`,
    a state's tensors, it goes on from there as if it had never stopped. Ctrl-C ends it with the
    last training's network. Raises `KeyboardInterrupt` before the first, `UserError` for what does
    not fit, and whatever the victim raises (a budget of its own that is used up, a server that is
    down): in all cases `watch.state` was told what was answered until then.
    """
    recipe, watch = recipe or SubstituteRecipe(), watch or SubstituteWatch()
    run = _Training(victim, images, recipe, seed, watch)
    if resume is not None:
        run.restore(resume)
    try:
        while not run.finished:
            run.advance()
            watch.state(run.state())
    except KeyboardInterrupt:
        watch.state(run.state())
        if not run.trained:
            raise
        return Substituted(run.substitute, run.state(), True)
    except UserError:
        watch.state(run.state())
        raise
    return Substituted(run.substitute, run.state(), False)


def weights_in(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the network's weights among a state's tensors."""
    return {n.removeprefix(NET): value for n, value in tensors.items() if n.startswith(NET)}


class _Training:
    """The memory of one training: images, those of the answers that are in, the network."""

    def __init__(
        self,
        victim: Victim,
        images: Encoded,
        recipe: SubstituteRecipe,
        seed: int,
        watch: SubstituteWatch,
    ) -> None:
        fits = images.ndim == 4 and images.shape[1] == 3 and len(images) > 0
        expected = "shape (N,3,H,W) with at least one image"
        check(fits, "images", expected=expected, got=tuple(images.shape))
        expected = f"at least {len(images)}, one for each image to begin with"
        got, fix = recipe.queries, "give more queries, or fewer images"
        check(len(images) <= recipe.queries, "queries", expected=expected, got=got, fix=fix)
        self.victim, self.recipe, self.seed, self.watch = victim, recipe, seed, watch
        self.images = _bytes(images)
        self.targets = torch.zeros(0, len(victim.labels))
        self.trained, self.grown, self.loss, self.before = 0, 0, float("nan"), 0.0
        self.agreed: Rate | None = None
        self.begun = perf_counter()
        self.network = build_network(recipe.network, len(victim.labels), recipe.size_px, seed)

    @property
    def substitute(self) -> Classifier:
        return as_victim(self.network, self.victim.labels, self.recipe.size_px)

    @property
    def finished(self) -> bool:
        """Whether the rounds are done, or nothing can be asked that is not asked."""
        spent = len(self.targets) >= self.recipe.queries and self.trained > self.grown
        return self.trained > self.recipe.rounds or spent

    def advance(self) -> None:
        """Move images, ask about what is new, learn; each part that was done is not done again."""
        if self.grown < self.trained:
            self._grow()
        self._ask()
        self._learn()

    def _grow(self) -> None:
        """Add the images of the next augmentation, no more than can be asked about."""
        count, rng = len(self.images), generator(spawn(self.seed, "reservoir", self.grown))
        room = self.recipe.queries - count
        chosen = reservoir(count, min(room, self.recipe.wanted(count, self.grown)), rng)
        step = step_of(self.recipe.step, self.recipe.period, self.grown)
        labels = self.targets[chosen].argmax(dim=1)
        moved = jacobian_step(self.substitute, _floats(self.images[chosen]), labels, step)
        self.images = torch.cat([self.images, _bytes(moved)])
        self.grown += 1

    def _ask(self) -> None:
        """Ask about all images without an answer; keeps what was answered when it is cut short."""
        first, substitute, hits = len(self.targets), self.substitute, 0
        while (known := len(self.targets)) < len(self.images):
            self._tick(0.0, f"asking, {known} of {len(self.images)} images")
            part = _floats(self.images[known : known + PART])
            try:
                with torch.no_grad():
                    scores = self.victim(part).scores
            except BudgetError as error:
                answered = error.scores.isfinite().all(dim=1)
                self._keep(error.scores[: int(answered.long().cumprod(dim=0).sum())])
                raise
            self._keep(scores)
            with torch.no_grad():
                hits += int((substitute(part).best == scores.argmax(dim=1)).sum())
        asked = len(self.images) - first
        self.agreed = wilson(hits, asked) if self.trained and asked else None

    def _keep(self, scores: Tensor) -> None:
        good = scores.ndim == 2
        fix = "a substitute stands for a classifier"
        check(good, "victim", expected="class scores (B,K)", got=tuple(scores.shape), fix=fix)
        classes = self.targets.shape[1]
        sure = one_hot(scores.argmax(dim=1), classes)
        target = sure if self.recipe.answers == "label" else scores.softmax(dim=1)
        self.targets = torch.cat([self.targets, target.to(self.targets)])

    def _learn(self) -> None:
        """Train a copy of the network on all answers, and take it when it is done."""
        network = deepcopy(self.network).to(memory_format=torch.channels_last)
        ready = self._prepared()
        optimiser = torch.optim.Adam(network.parameters(), lr=self.recipe.learning_rate)
        losses = list[float]()
        for epoch in range(self.recipe.epochs):
            self._tick(epoch / self.recipe.epochs, f"learning {len(ready)} answers")
            rng = generator(spawn(self.seed, "order", self.trained, epoch))
            losses = [
                _step(network, optimiser, ready[rows], self.targets[rows])
                for rows in torch.randperm(len(ready), generator=rng).split(self.recipe.batch)
            ]
        self.network, self.loss = network, sum(losses) / len(losses)
        self.trained += 1

    def _prepared(self) -> Tensor:
        """Return all images as the network takes them."""
        prepare = self.substitute.prepare
        parts = [prepare(_floats(part)) for part in self.images.split(PART)]
        return torch.cat(parts).contiguous(memory_format=torch.channels_last)

    def _tick(self, share: float, what: str) -> None:
        self.watch.tick((self.trained + share) / (self.recipe.rounds + 1), what)

    def state(self) -> SubstituteState:
        seconds = self.before + perf_counter() - self.begun
        counts = [self.trained, self.grown, self.loss, seconds]
        tensors = {
            "images": self.images,
            "targets": self.targets,
            "counts": torch.tensor(counts, dtype=torch.float64),
            **{NET + name: value for name, value in self.network.state_dict().items()},
        }
        queries = len(self.targets)
        return SubstituteState(self.trained, queries, self.loss, self.agreed, seconds, tensors)

    def restore(self, tensors: Mapping[str, Tensor]) -> None:
        count, held = len(self.images), len(tensors["images"])
        same = torch.equal(tensors["images"][:count], self.images)
        got, fix = f"{count} others", "leave resume out to begin anew"
        check(same, "images", expected="those the training began with", got=got, fix=fix)
        most, expected = self.recipe.queries, f"at least {held}, as many as before"
        check(held <= most, "queries", expected=expected, got=most)
        self.images, self.targets = tensors["images"].clone(), tensors["targets"].clone()
        trained, grown, self.loss, self.before = tensors["counts"].tolist()
        self.trained, self.grown = int(trained), int(grown)
        self.network.load_state_dict(weights_in(tensors))


def _step(
    network: nn.Module, optimiser: torch.optim.Optimizer, images: Tensor, targets: Tensor
) -> float:
    loss = cross_entropy(network(images), targets)
    optimiser.zero_grad()
    loss.backward()
    optimiser.step()
    return float(loss.detach())


def _bytes(images: Tensor) -> Tensor:
    """Return images as bytes: what is sent has 8 bits."""
    return (quantise(Encoded(images.detach().float().cpu())) * 255).round().to(torch.uint8)


def _floats(pixels: Tensor) -> Encoded:
    return Encoded(pixels.float() / 255)
