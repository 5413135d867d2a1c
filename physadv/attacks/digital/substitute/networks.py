"""What a substitute may be: small networks by name, and how one is asked as a victim."""

from collections.abc import Callable, Sequence

import torch
from torch import nn

from physadv.core import spawn
from physadv.core.check import one_of
from physadv.victims import Classifier

MEAN, STD = (0.5, 0.5, 0.5), (0.25, 0.25, 0.25)


def build_network(name: str, classes: int, size_px: tuple[int, int], seed: int) -> nn.Module:
    """Return a network (B,3,h,w) to logits (B,K) with weights drawn from `seed`.

    "convolutional" is of the kind of Papernot et al.'s substitutes, two convolutions with pooling
    and two fully connected layers of 200; "linear" is one layer (logistic regression).
    """
    one_of("network", name, NETWORKS)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(spawn(seed, "network"))
        return NETWORKS[name](classes, size_px)


def as_victim(network: nn.Module, labels: Sequence[str], size_px: tuple[int, int]) -> Classifier:
    """Return the network as a victim that attacks with gradients can be made on."""
    return Classifier(network, labels, size_px=size_px, mean=MEAN, std=STD, name="substitute")


def _convolutional(classes: int, size_px: tuple[int, int]) -> nn.Module:
    height, width = (side // 4 for side in size_px)
    return nn.Sequential(
        nn.Conv2d(3, 32, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(32, 64, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(64 * height * width, 200),
        nn.ReLU(),
        nn.Linear(200, 200),
        nn.ReLU(),
        nn.Linear(200, classes),
    )


def _linear(classes: int, size_px: tuple[int, int]) -> nn.Module:
    return nn.Sequential(nn.Flatten(), nn.Linear(3 * size_px[0] * size_px[1], classes))


NETWORKS: dict[str, Callable[[int, tuple[int, int]], nn.Module]] = {
    "convolutional": _convolutional,
    "linear": _linear,
}
