"""The recipe of the bundled recogniser: GTSRB crops and simulated photos, the project's camera."""

import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from physadv.core import Encoded, generator, spawn
from physadv.core.whole import write_whole
from physadv.training.augment import retake, simulated_crops
from physadv.training.gtsrb_data import SignCrops, read_crops
from physadv.victims.bundled import MEAN, SIZE_PX, STD, SignNet

Progress = Callable[[int, int, dict[str, float]], None]
"""Called after each step with (steps done, steps in all, figures)."""


@dataclass(frozen=True)
class Recipe:
    """Settings of a training run; the defaults made the bundled weights."""

    epochs: int = 40
    batch: int = 64
    simulated_batch: int = 24
    simulated_each: int = 400
    learning_rate: float = 4e-3
    weight_decay: float = 5e-3
    average: float = 0.998
    preset: str = "street"
    seed: int = 0


@dataclass
class Run:
    """What training remembers from step to step, and saves to go on later."""

    net: SignNet
    mean: SignNet
    optimiser: torch.optim.Optimizer
    step: int = 0

    def save(self, path: Path) -> None:
        """Write a checkpoint that `restore` reads."""
        state = {
            "net": self.net.state_dict(),
            "mean": self.mean.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "step": self.step,
        }
        content = BytesIO()
        torch.save(state, content)
        write_whole(path, content.getvalue())

    def restore(self, path: Path) -> None:
        """Go on from a checkpoint."""
        state = torch.load(path, weights_only=True)
        self.net.load_state_dict(state["net"])
        self.mean.load_state_dict(state["mean"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.step = int(state["step"])


def train(
    data: Path, checkpoint: Path, recipe: Recipe, *, progress: Progress = lambda *_: None
) -> SignNet:
    """Train a recogniser on a GTSRB folder; goes on from `checkpoint` if that file exists.

    Returns the running mean of the weights (Polyak averaging). Two runs with one seed on one
    machine give the same weights.
    """
    crops = read_crops(data, "train")
    simulated = simulated_crops(
        recipe.preset, recipe.simulated_each, generator(spawn(recipe.seed, "simulated"))
    )
    per_epoch = len(crops) // recipe.batch
    total = per_epoch * recipe.epochs
    run = _start(recipe)
    if checkpoint.is_file():
        run.restore(checkpoint)
    for images, classes in _batches(crops, simulated, recipe, range(run.step, total)):
        rate = one_cycle(run.step / total, recipe.learning_rate)
        loss = _step(run, images, classes, rate, recipe.average)
        run.step += 1
        progress(run.step, total, {"loss": loss})
        if run.step % per_epoch == 0:
            run.save(checkpoint)
    run.mean.eval()
    return run.mean


def _start(recipe: Recipe) -> Run:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(spawn(recipe.seed, "weights"))
        net = SignNet().to(memory_format=torch.channels_last)
    return Run(net, copy.deepcopy(net), adam(net, recipe.learning_rate, recipe.weight_decay))


def adam(net: nn.Module, rate: float, decay: float) -> torch.optim.AdamW:
    """Return AdamW that lets weights decay, but no biases and no batch normalisation."""
    groups: list[dict[str, object]] = [
        {"params": [p for p in net.parameters() if p.ndim > 1], "weight_decay": decay},
        {"params": [p for p in net.parameters() if p.ndim <= 1]},
    ]
    return torch.optim.AdamW(groups, lr=rate, weight_decay=0.0)


def one_cycle(done: float, peak: float) -> float:
    """Return a learning rate: up to the peak over the first tenth, then a cosine to nothing."""
    if done < 0.1:
        return peak * (0.05 + 0.95 * done / 0.1)
    return peak * 0.5 * (1 + float(torch.cos(torch.tensor((done - 0.1) / 0.9 * 3.1416))))


def _batches(
    crops: SignCrops, simulated: SignCrops, recipe: Recipe, steps: range
) -> Iterator[tuple[Tensor, Tensor]]:
    """Draw each step's pictures from its own seed, so that a resumed run sees the same ones."""
    balance = crops.classes.bincount(minlength=43).float()[crops.classes].rsqrt()
    for step in steps:
        rng = generator(spawn(recipe.seed, "batch", step))
        real = crops.rows(torch.multinomial(balance, recipe.batch, generator=rng))
        pick = torch.randint(len(simulated), (recipe.simulated_batch,), generator=rng)
        drawn = simulated.rows(pick)
        both = SignCrops(
            torch.cat([real.pixels, drawn.pixels]),
            torch.cat([real.boxes_px, drawn.boxes_px]),
            torch.cat([real.classes, drawn.classes]),
            torch.cat([real.tracks, drawn.tracks]),
        )
        yield retake(both, SIZE_PX, rng), both.classes


def normalised(images: Tensor) -> Tensor:
    """Bring pictures (B,3,h,w) to what the network takes."""
    scaled = (images - torch.tensor(MEAN)[:, None, None]) / torch.tensor(STD)[:, None, None]
    return scaled.contiguous(memory_format=torch.channels_last)


def _step(run: Run, images: Tensor, classes: Tensor, rate: float, average: float) -> float:
    for group in run.optimiser.param_groups:
        group["lr"] = rate
    run.net.train()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(run.step)
        loss = F.cross_entropy(run.net(normalised(images)), classes, label_smoothing=0.05)
    run.optimiser.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(run.net.parameters(), 5.0)
    run.optimiser.step()
    move_mean(run.mean, run.net, min(average, (1 + run.step) / (10 + run.step)))
    return float(loss.detach())


@torch.no_grad()
def move_mean(mean: nn.Module, now: nn.Module, keep: float) -> None:
    """Move a running mean of weights towards what they are now; counters are copied."""
    new = now.state_dict()
    for name, value in mean.state_dict().items():
        if value.is_floating_point():
            value.lerp_(new[name], 1 - keep)
        else:
            value.copy_(new[name])


def answers(net: nn.Module, images: Encoded, batch: int = 128) -> Tensor:
    """Return the classes (B,) that a network in eval mode gives for ready pictures."""
    with torch.no_grad():
        return torch.cat([net(normalised(part)).argmax(1) for part in torch.split(images, batch)])
