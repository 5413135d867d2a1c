"""Training: the two players take turns; an iterator of states that can be saved and resumed."""

import copy
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import cast

import torch
from torch import Tensor, nn

from physadv.core import Encoded, UserError, check, generator, spawn
from physadv.generative.losses import log_loss, non_saturating, wasserstein, wasserstein_loss
from physadv.generative.networks import Discriminator, Generator, narrow, seeded
from physadv.generative.recipe import BETAS, GanRecipe

Progress = Callable[[int, int, Mapping[str, float]], None]
"""Called after each step of the generator with (steps done, steps in all, figures)."""
LOSSES = {"dcgan": (log_loss, non_saturating), "wgan-gp": (wasserstein_loss, wasserstein)}


@dataclass(frozen=True, eq=False)
class GanState:
    """Where a training stands after an epoch: its generator, figures, and all it needs to go on.

    `generator` is the running mean, in evaluation mode and without gradients to its weights; it is
    this state's own. `figures` are means over the epoch: `generator_loss`, `discriminator_loss`,
    and `told_apart`, the share of pairs whose real picture got the higher score.
    """

    epoch: int
    step: int
    generator: Generator
    figures: Mapping[str, float]
    tensors: Mapping[str, Tensor]


@dataclass
class _Run:
    """The players, their optimisers, and the running mean of the generator."""

    maker: Generator
    critic: Discriminator
    mean: Generator
    optimisers: dict[str, torch.optim.Adam]
    step: int = 0
    sums: dict[str, float] = field(default_factory=dict)


def train(
    pictures: Tensor,
    recipe: GanRecipe,
    *,
    resume: Mapping[str, Tensor] | None = None,
    progress: Progress = lambda *_: None,
) -> Iterator[GanState]:
    """Train on pictures (N,3,32,32), bytes or in [0,1]; yield a state after each epoch.

    The first state is the one before training, or the one it is resumed from. A run that is
    resumed from the `tensors` of a state goes on as if it had never stopped: every step draws from
    a seed of its own. Raises `UserError` for pictures that are too few or of another size.
    """
    _check_pictures(pictures, recipe)
    run = _begin(recipe)
    if resume is not None:
        _restore(run, resume)
    each = recipe.steps_an_epoch(len(pictures))
    yield _state(run, each)
    while run.step < recipe.epochs * each:
        _advance(run, pictures, recipe)
        progress(run.step, recipe.epochs * each, _means(run, each))
        if run.step % each == 0:
            yield _state(run, each)
            run.sums.clear()


def sample(maker: Generator, n: int, *, seed: int = 0, batch: int = 256) -> Encoded:
    """Return n pictures (n,3,32,32) of normal latents."""
    latents = torch.randn(n, maker.latent, generator=generator(spawn(seed, "sample")))
    with torch.no_grad():
        return Encoded(torch.cat([maker(part) for part in latents.split(batch)]))


def _check_pictures(pictures: Tensor, recipe: GanRecipe) -> None:
    fits = pictures.ndim == 4 and tuple(pictures.shape[1:]) == (3, 32, 32)
    check(fits, "pictures", expected="shape (N,3,32,32)", got=tuple(pictures.shape))
    enough = len(pictures) >= recipe.batch
    check(enough, "pictures", expected=f"at least a batch, {recipe.batch}", got=len(pictures))


def _begin(recipe: GanRecipe) -> _Run:
    plain = recipe.kind == "dcgan"
    maker = cast(Generator, seeded(Generator, recipe.seed, recipe.latent, recipe.channels))
    built = seeded(Discriminator, recipe.seed, recipe.channels, normalised=plain)
    critic = cast(Discriminator, built)
    if plain:
        narrow(maker, generator(spawn(recipe.seed, "generator")))
        narrow(critic, generator(spawn(recipe.seed, "discriminator")))
    mean = copy.deepcopy(maker).eval().requires_grad_(False)
    betas, (rate, critic_rate) = BETAS[recipe.kind], recipe.rates
    optimisers = {
        "maker": torch.optim.Adam(maker.parameters(), lr=rate, betas=betas),
        "critic": torch.optim.Adam(critic.parameters(), lr=critic_rate, betas=betas),
    }
    return _Run(maker, critic, mean, optimisers)


def _advance(run: _Run, pictures: Tensor, recipe: GanRecipe) -> None:
    """Take a step of the generator, after those of the discriminator."""
    told, wanted = LOSSES[recipe.kind]
    for turn in range(recipe.turns):
        rng = generator(spawn(recipe.seed, "discriminator", run.step, turn))
        real = _scaled(pictures[torch.randint(len(pictures), (recipe.batch,), generator=rng)])
        with torch.no_grad():
            made = run.maker(_latents(recipe, rng))
        found = told(run.critic, real, made, rng)
        _descend(run.optimisers["critic"], found.loss)
        _note(run, "discriminator_loss", float(found.loss.detach()) / recipe.turns)
        apart = float((found.real > found.made).float().mean())
        _note(run, "told_apart", apart / recipe.turns)
    run.critic.requires_grad_(False)
    rng = generator(spawn(recipe.seed, "generator", run.step))
    loss = wanted(run.critic(run.maker(_latents(recipe, rng))))
    _descend(run.optimisers["maker"], loss)
    run.critic.requires_grad_(True)
    _note(run, "generator_loss", float(loss.detach()))
    run.step += 1
    _average(run.mean, run.maker, min(recipe.average, run.step / (10 + run.step)))


def _latents(recipe: GanRecipe, rng: torch.Generator) -> Tensor:
    return torch.randn(recipe.batch, recipe.latent, generator=rng)


def _scaled(pictures: Tensor) -> Tensor:
    return pictures if pictures.is_floating_point() else pictures.float() / 255


def _descend(optimiser: torch.optim.Optimizer, loss: Tensor) -> None:
    optimiser.zero_grad()
    loss.backward()
    optimiser.step()


def _note(run: _Run, name: str, value: float) -> None:
    run.sums[name] = run.sums.get(name, 0.0) + value


def _means(run: _Run, each: int) -> dict[str, float]:
    """Return the means over the steps since the last state."""
    steps = (run.step - 1) % each + 1
    return {name: value / steps for name, value in run.sums.items()}


@torch.no_grad()
def _average(mean: nn.Module, now: nn.Module, keep: float) -> None:
    """Move the mean towards what is now; counters of batches are copied."""
    new = now.state_dict()
    for name, value in mean.state_dict().items():
        if value.is_floating_point():
            value.lerp_(new[name], 1 - keep)
        else:
            value.copy_(new[name])


def _state(run: _Run, each: int) -> GanState:
    figures = _means(run, each)
    mean = copy.deepcopy(run.mean)
    return GanState(run.step // each, run.step, mean, figures, _tensors(run))


def _tensors(run: _Run) -> dict[str, Tensor]:
    parts = {"maker": run.maker, "critic": run.critic, "mean": run.mean}
    flat = {"step": torch.tensor(run.step)}
    for part, module in parts.items():
        flat |= {f"{part}.{name}": v.clone() for name, v in module.state_dict().items()}
    for part, optimiser in run.optimisers.items():
        for index, known in optimiser.state_dict()["state"].items():
            flat |= {f"adam.{part}.{index}.{name}": v.clone() for name, v in known.items()}
    return flat


def _restore(run: _Run, tensors: Mapping[str, Tensor]) -> None:
    """Go on from a state's tensors. Raises `UserError` for those of other settings."""
    try:
        for part in ("maker", "critic", "mean"):
            getattr(run, part).load_state_dict(_below(tensors, part))
        run.step = int(tensors["step"])
    except (RuntimeError, KeyError) as error:
        raise UserError(
            "resume", expected="a state of a training with these settings", got="another's"
        ) from error
    for part, optimiser in run.optimisers.items():
        whole = optimiser.state_dict()
        for name, value in _below(tensors, f"adam.{part}").items():
            index, _, what = name.partition(".")
            whole["state"].setdefault(int(index), {})[what] = value.clone()
        optimiser.load_state_dict(whole)


def _below(tensors: Mapping[str, Tensor], part: str) -> dict[str, Tensor]:
    return {n.removeprefix(part + "."): v for n, v in tensors.items() if n.startswith(part + ".")}
