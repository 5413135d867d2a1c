"""Any torch network as a victim: resize, normalise, ask, and leave no trace on it."""

import hashlib
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

from physadv.core import Answer, Encoded, check
from physadv.victims.door import ask, check_images, check_scores
from physadv.victims.labels import find_label


class Classifier:
    """A network that gives one score a class, with what it needs to be asked.

    `size_px` is one number or (height, width); images are brought there by antialiased bilinear
    resizing of the encoded values, then `(image - mean) / std` goes in. `labels` names the outputs.
    Raises `UserError` where an argument does not fit.
    """

    differentiable = True

    def __init__(
        self,
        module: nn.Module,
        labels: Sequence[str],
        *,
        size_px: int | tuple[int, int],
        mean: Sequence[float] = (0.0, 0.0, 0.0),
        std: Sequence[float] = (1.0, 1.0, 1.0),
        name: str = "classifier",
    ) -> None:
        """Wrap `module`; nothing about it is changed, now or later."""
        check(isinstance(module, nn.Module), "module", expected="an nn.Module", got=type(module))
        check(not isinstance(labels, str), "labels", expected="a list of names", got=repr(labels))
        self.module, self.name = module, name
        self.labels = tuple(labels)
        self.size_px = _size(size_px)
        self.mean, self.std = _triple("mean", mean), _triple("std", std)
        check(bool((self.std > 0).all()), "std", expected="positive numbers", got=tuple(std))
        self._met = False

    def __repr__(self) -> str:
        """Say what it is in one line."""
        height, width = self.size_px
        return f"<Classifier {self.name}: {len(self.labels)} classes, {height}x{width} px>"

    def __call__(self, images: Encoded) -> Answer:
        """Answer for (B,3,H,W) images in [0,1]; gradients reach the images, never the weights.

        Values are looked at in every call on the CPU, elsewhere in the first one only, since a
        look halts the device's queue. Raises `UserError` for what is no image or no score.
        """
        look = not self._met or images.device.type == "cpu"
        check_images(images, values=look)
        batch = self._prepared(images)
        scores = ask(self.module, batch, explain=not self._met)
        known = check_scores(scores, rows=len(batch), classes=len(self.labels), values=look)
        self._met = True
        return Answer(known.to(images.dtype))

    def label(self, name_or_index: str | int) -> int:
        """Return the class of a label, an index, or an index in digits; names come first.

        Raises `UserError` when there is no such class, or when several bear that name.
        """
        return find_label(self.labels, name_or_index)

    def digest(self) -> str:
        """Return the SHA-256 of the weights and buffers with their names, types and shapes."""
        whole = hashlib.sha256()
        for name, value in sorted(self.module.state_dict().items()):
            whole.update(f"{name} {value.dtype} {tuple(value.shape)};".encode())
            whole.update(value.detach().cpu().reshape(-1).view(torch.uint8).numpy().tobytes())
        return whole.hexdigest()

    def _prepared(self, images: Tensor) -> Tensor:
        if tuple(images.shape[2:]) != self.size_px:
            images = interpolate(images, self.size_px, mode="bilinear", antialias=True)
        self.mean, self.std = self.mean.to(images), self.std.to(images)
        like = next(self.module.parameters(), images)
        return ((images - self.mean) / self.std).to(like.dtype)


def _size(size_px: int | tuple[int, int]) -> tuple[int, int]:
    pair = tuple(size_px) if isinstance(size_px, Sequence) else (size_px, size_px)
    good = len(pair) == 2 and all(isinstance(side, int) and side > 0 for side in pair)
    check(good, "size_px", expected="pixels: one number or (height, width)", got=repr(size_px))
    return pair[0], pair[1]


def _triple(argument: str, values: Sequence[float]) -> Tensor:
    check(len(values) == 3, argument, expected="three numbers (R, G, B)", got=tuple(values))
    return torch.tensor(values, dtype=torch.float32).reshape(3, 1, 1)
