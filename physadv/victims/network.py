"""What victims made of a torch module share: how it is asked, found by label, told apart."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from physadv.core import check
from physadv.core.device import CPU
from physadv.victims.door import ask, check_images, check_scores
from physadv.victims.labels import find_label
from physadv.victims.prepare import Prepare
from physadv.victims.weights import digest


class Network:
    """A torch module with the names of its classes and the way its images are prepared.

    A module that has `differentiable = False` is a black box and counts the images it is shown
    in `queries`; what its `note` says, the victim's `note` says. Raises `UserError` where an
    argument does not fit.
    """

    def __init__(
        self, module: nn.Module, labels: Sequence[str], prepare: Prepare, *, name: str
    ) -> None:
        """Wrap `module`; nothing about it is changed, now or later."""
        check(isinstance(module, nn.Module), "module", expected="an nn.Module", got=type(module))
        check(not isinstance(labels, str), "labels", expected="a list of names", got=repr(labels))
        self.module, self.name, self.prepare = module, name, prepare
        self.labels = tuple(labels)
        self.differentiable: bool = getattr(module, "differentiable", True)
        self.note: str = getattr(module, "note", "")
        self._met = False

    @property
    def size_px(self) -> tuple[int, int]:
        """The (height, width) that images are brought to."""
        return self.prepare.size

    @property
    def device(self) -> torch.device:
        """Where its network is: images are made there."""
        return next((value.device for value in self.module.parameters()), CPU)

    @property
    def queries(self) -> int:
        """How many images a black box was shown; 0 for others."""
        return int(getattr(self.module, "queries", 0))

    def __repr__(self) -> str:
        """Say what it is in one line."""
        height, width = self.size_px
        kind, count = type(self).__name__, len(self.labels)
        return f"<{kind} {self.name}: {count} classes, {height}x{width} px>"

    def label(self, name_or_index: str | int) -> int:
        """Return the class of a label, an index, or an index in digits; see `find_label`."""
        return find_label(self.labels, name_or_index)

    def digest(self) -> str:
        """Return the SHA-256 of the weights and buffers with their names, types and shapes."""
        return digest(self.module)

    def _looks(self, images: Tensor) -> bool:
        """Whether to look at values in this call: always on the CPU, elsewhere the first time.

        A look halts the device's queue.
        """
        return not self._met or images.device.type == "cpu"

    def _ask(self, images: Tensor) -> object:
        check_images(images, values=self._looks(images))
        like = next(self.module.parameters(), images)
        return ask(self.module, self.prepare(images).to(like.dtype), explain=not self._met)


def count_classes(module: nn.Module, prepare: Prepare) -> int:
    """Return how many scores a classifier gives for a black image; raises `UserError` for none."""
    like = next(module.parameters(), torch.zeros(()))
    black = torch.zeros(1, 3, *prepare.size, device=like.device)
    with torch.no_grad():
        scores = ask(module, prepare(black).to(like.dtype))
    return check_scores(scores, rows=1, values=False).shape[1]
