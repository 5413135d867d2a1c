"""A substitute for a black box, taught by its answers: distillation (Hinton et al. 2015)."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from physadv.core import Encoded, check
from physadv.generative import seeded
from physadv.victims import Classifier, Victim

BATCH = 64


class PlainNet(nn.Sequential):
    """Images (B,3,H,W) in [0,1] to scores (B,classes): four convolutions, two dense layers."""

    def __init__(self, classes: int, channels: int = 16) -> None:
        """Build it with `channels` at full size and twice that at half the size."""
        super().__init__(
            *_layer(3, channels),
            *_layer(channels, channels),
            nn.MaxPool2d(2, ceil_mode=True),
            *_layer(channels, 2 * channels),
            *_layer(2 * channels, 2 * channels),
            nn.AdaptiveAvgPool2d(4),
            nn.Flatten(),
            nn.Linear(32 * channels, 4 * channels),
            nn.ReLU(),
            nn.Linear(4 * channels, classes),
        )


class Substitute:
    """A network of its own that is taught to answer as a black box does.

    `victim` is it as a victim with gradients; `asked` is how many images the black box was shown.
    """

    def __init__(self, box: Victim, images: Encoded, *, rate: float = 1e-3, seed: int = 0) -> None:
        """Ask about the images (B,3,H,W), once; raises `UserError` for other than class scores."""
        self.box, self.images, self.asked = box, images, 0
        self.answers = self.ask(images)
        net = seeded(PlainNet, seed, len(box.labels))
        self.victim = Classifier(
            net, box.labels, size_px=(images.shape[-2], images.shape[-1]), name=f"{box.name}'s copy"
        )
        self.adam = torch.optim.Adam(net.parameters(), lr=rate)

    def ask(self, images: Tensor) -> Tensor:
        """Return the box's probabilities (B,K)."""
        self.asked += len(images)
        with torch.no_grad():
            parts = [self.box(Encoded(part)).scores for part in images.split(BATCH)]
        scores = torch.cat(parts)
        check(scores.ndim == 2, "victim", expected="a classifier", got=f"{self.box.name}")
        return scores.softmax(dim=1)

    def learn(self, images: Tensor, answers: Tensor) -> float:
        """Take a step towards answers (B,K): the cross-entropy H(answers, own), which is returned.

        Xiao et al. 2018, eq. 5.
        """
        net = self.victim.module.train()
        loss = F.cross_entropy(net(images), answers)
        self.adam.zero_grad()
        loss.backward()
        self.adam.step()
        net.eval()
        return float(loss.detach())

    def study(self, steps: int, draw: Callable[[], Tensor]) -> None:
        """Learn from the images alone (static distillation), of rows that `draw` gives."""
        for _ in range(steps):
            rows = draw()
            self.learn(self.images[rows], self.answers[rows])


def _layer(inputs: int, outputs: int) -> list[nn.Module]:
    return [nn.Conv2d(inputs, outputs, 3, 1, 1), nn.BatchNorm2d(outputs), nn.ReLU()]
