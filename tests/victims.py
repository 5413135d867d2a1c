"""The toy cast: victims whose answers, gradients and best patches are known in closed form."""

import torch
from torch import Tensor, nn
from torch.nn.functional import adaptive_avg_pool2d, interpolate

from physadv.core import Answer, Detections, Encoded, generator
from physadv.victims import Classifier, Detector, Prepare


class LinearNetwork(nn.Module):
    """scores = weight · image + bias, for weight (K,3,h,w), bias (K,), images (B,3,h,w)."""

    def __init__(self, weight: Tensor, bias: Tensor) -> None:
        super().__init__()
        self.weight, self.bias = nn.Parameter(weight), nn.Parameter(bias)

    def forward(self, images: Tensor) -> Tensor:
        return images.flatten(1) @ self.weight.flatten(1).T + self.bias


class LinearVictim:
    """scores = weight · area-resized image + bias; exact where sizes are multiples of `size_px`."""

    name = "linear"
    differentiable = True

    def __init__(self, weight: Tensor, bias: Tensor) -> None:
        self.weight, self.bias = weight, bias
        self.labels = tuple(f"class {k}" for k in range(len(weight)))
        self.size_px = (weight.shape[2], weight.shape[3])

    def __call__(self, images: Encoded) -> Answer:
        cells = adaptive_avg_pool2d(images, self.size_px)
        return Answer(cells.flatten(1) @ self.weight.flatten(1).T + self.bias)

    def label(self, name_or_index: str | int) -> int:
        return Classifier.label(self.classifier(), name_or_index)

    def classifier(self) -> Classifier:
        """Return the same scores through the package's own wrapper."""
        module = LinearNetwork(self.weight.clone(), self.bias.clone())
        return Classifier(module, self.labels, size_px=self.size_px, name=self.name)

    def margin_gradient(self, target: int, source: int, size: tuple[int, int]) -> Tensor:
        """Return d(score of target - score of source)/d(image), (1,3,H,W), for images of `size`."""
        cells = (self.weight[target] - self.weight[source])[None]
        each = self.size_px[0] * self.size_px[1] / (size[0] * size[1])
        return interpolate(cells, size, mode="nearest") * each

    def best(self, images: Tensor, mask: Tensor, target: int, source: int) -> Encoded:
        """Return the images with the largest margin that differ from these inside `mask` only."""
        size = (images.shape[2], images.shape[3])
        ideal = (self.margin_gradient(target, source, size) > 0).to(images.dtype)
        return Encoded(images * (1 - mask) + ideal * mask)


def linear_victim(
    classes: int = 3, size_px: tuple[int, int] = (8, 8), seed: int = 0
) -> LinearVictim:
    """Draw a linear victim with unit normal weights."""
    rng = generator(seed)
    weight = torch.randn(classes, 3, *size_px, generator=rng)
    return LinearVictim(weight, torch.randn(classes, generator=rng))


class SmallNetwork(nn.Module):
    """Batch normalisation and dropout, so that mode and statistics show in the answers."""

    def __init__(self, classes: int = 5, seed: int = 0) -> None:
        super().__init__()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.features = nn.Sequential(
                nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.Dropout(0.5)
            )
            self.head = nn.Linear(8 * 16, classes)

    def forward(self, images: Tensor) -> Tensor:
        scores: Tensor = self.head(adaptive_avg_pool2d(self.features(images), 4).flatten(1))
        return scores


def small_victim(classes: int = 5, seed: int = 0) -> Classifier:
    """Return a small random network of 12x16 px in training mode, behind the package's wrapper."""
    labels = [f"class {k}" for k in range(classes)]
    module = SmallNetwork(classes, seed)
    mean, std = (0.3, 0.4, 0.5), (0.2, 0.3, 0.4)
    return Classifier(module, labels, size_px=(12, 16), mean=mean, std=std, name="small")


CELL_PX = 8
COLOURS = ("red", "green", "blue")


class CellNetwork(nn.Module):
    """The logits 20 * (mean of a colour in a cell) - 10, (B,3,h,w), for cells of 8x8 px.

    Dropout and batch normalisation (at rest in evaluation mode) let the mode show.
    """

    def __init__(self) -> None:
        super().__init__()
        self.drop, self.norm = nn.Dropout(0.5), nn.BatchNorm2d(3, eps=0)
        self.gain = nn.Parameter(torch.tensor(20.0))

    def forward(self, images: Tensor) -> Tensor:
        rows, columns = (side // CELL_PX for side in images.shape[2:])
        means = adaptive_avg_pool2d(self.norm(self.drop(images)), (rows, columns))
        return self.gain * (means - 0.5)


def cells(output: Tensor) -> Detections:
    """Every cell is a candidate whose box is the cell."""
    rows, columns = output.shape[2:]
    y, x = torch.meshgrid(torch.arange(rows), torch.arange(columns), indexing="ij")
    corners = torch.stack([x, y, x + 1, y + 1], dim=-1).reshape(-1, 4).to(output) * CELL_PX
    scores = output.flatten(2).mT.sigmoid()
    valid = torch.ones_like(scores[..., 0], dtype=torch.bool)
    return Detections(scores, boxes=corners.expand(len(output), -1, -1), valid=valid)


def cell_detector(size_px: tuple[int, int] = (32, 48)) -> Detector:
    """Return a detector that sees a "red", "green" or "blue" object in cells of that colour."""
    return Detector(CellNetwork(), COLOURS, Prepare(size_px), cells, name="cells")


class ClosedNetwork(SmallNetwork):
    """A black box, as far as victims can tell; counts its images as one has to."""

    differentiable = False
    queries = 0

    def forward(self, images: Tensor) -> Tensor:
        self.queries += len(images)
        return super().forward(images).detach()


def closed_victim() -> Classifier:
    """Return the small network without gradients."""
    return Classifier(ClosedNetwork(), [f"class {k}" for k in range(5)], size_px=(12, 16))
