"""The cast of the plugins' tests: a small trained recogniser of bright places, as ART has it."""

from functools import lru_cache
from typing import Any

import numpy as np
import torch
from art.estimators.classification import PyTorchClassifier
from physadv_art import VictimClassifier, from_victim
from physadv_art.frame import Array
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from physadv.core import generator
from physadv.victims import Classifier

SIDE, CLASSES = 16, 4


def blobs(n: int, seed: int) -> tuple[Tensor, Tensor]:
    """Draw grey noise with one brighter quarter, whose number is the class."""
    rng = generator(seed)
    images = 0.4 + 0.15 * torch.rand(n, 3, SIDE, SIDE, generator=rng)
    labels = torch.randint(CLASSES, (n,), generator=rng)
    half = SIDE // 2
    for image, label in zip(images, labels.tolist(), strict=True):
        y, x = half * (label // 2), half * (label % 2)
        image[:, y : y + half, x : x + half] += 0.12
    return images.clamp(0, 1), labels


def network() -> nn.Module:
    """Return untrained layers, batch normalisation and dropout among them."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return nn.Sequential(
            nn.Conv2d(3, 6, 3, padding=1),
            nn.BatchNorm2d(6),
            nn.ReLU(),
            nn.AvgPool2d(4),
            nn.Flatten(),
            nn.Dropout(0.2),
            nn.Linear(96, CLASSES),
        )


@lru_cache(maxsize=1)
def weights() -> dict[str, Tensor]:
    """Train for a second."""
    net, (images, labels) = network(), blobs(256, 1)
    optimiser = torch.optim.Adam(net.parameters(), lr=0.02)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        for _ in range(60):
            optimiser.zero_grad()
            cross_entropy(net((images - 0.5) / 0.25), labels).backward()
            optimiser.step()
    return {name: value.detach().clone() for name, value in net.state_dict().items()}


def victim() -> Classifier:
    """Return the trained recogniser, in training mode, so that modes show."""
    net = network()
    net.load_state_dict(weights())
    names = [f"quarter {k}" for k in range(CLASSES)]
    mean, std = (0.5, 0.5, 0.5), (0.25, 0.25, 0.25)
    return Classifier(net.train(), names, size_px=SIDE, mean=mean, std=std, name="quarters")


def estimator(**kwargs: Any) -> VictimClassifier:
    """Return it as an ART classifier."""
    return from_victim(victim(), **kwargs)


def grey_estimator(*, learns: bool = False, **kwargs: Any) -> PyTorchClassifier:
    """Return a linear classifier of grey images, as ART has it, whose weights are the quarters."""
    net = nn.Sequential(nn.Flatten(), nn.Linear(SIDE * SIDE, CLASSES))
    half = SIDE // 2
    quarters = torch.zeros(CLASSES, 2, half, 2, half)
    for k in range(CLASSES):
        quarters[k, k // 2, :, k % 2] = 0.4
    low, high = kwargs.pop("clip_values", (0.0, 1.0))
    first = kwargs.pop("channels_first", True)
    linear: Any = net[1]
    linear.weight.data = quarters.reshape(CLASSES, -1) / (high - low)
    return PyTorchClassifier(
        net,
        nn.CrossEntropyLoss(),
        (1, SIDE, SIDE) if first else (SIDE, SIDE, 1),
        CLASSES,
        optimizer=torch.optim.Adam(net.parameters(), lr=0.01) if learns else None,
        channels_first=first,
        clip_values=(low, high),
        device_type="cpu",
        **kwargs,
    )


def data(made: Any, n: int = 8, seed: int = 2) -> tuple[Array, Array]:
    """Return images in an estimator's order and range, and their classes."""
    images, labels = blobs(n, seed)
    low, high = (float(np.min(made.clip_values[0])), float(np.max(made.clip_values[1])))
    if 1 in (made.input_shape[0], made.input_shape[-1]):
        images = images[:, :1]
    x = images.numpy() * (high - low) + low
    x = x if made.channels_first else x.transpose(0, 2, 3, 1)
    return x.astype(np.float32), labels.numpy()


def one_hot(labels: Array) -> Array:
    return np.eye(CLASSES, dtype=np.float32)[labels]


def accuracy(made: Any, x: Array, labels: Array) -> float:
    return float((made.predict(x).argmax(axis=1) == labels).mean())
