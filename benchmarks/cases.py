"""What is measured on: a network, its input size, a batch and a device."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module

import torch
from torch import Tensor, nn

from physadv.core import generator
from physadv.victims.bundled import bundled


@dataclass(frozen=True)
class Case:
    """A network by name; all rows of a case use the same memory layout and ready pictures."""

    network: str
    size_px: int
    batch: int
    classes: int = 1000
    device: str = "cpu"
    channels_last: bool = False

    def __str__(self) -> str:
        """Name it in a heading."""
        return f"{self.network}, {self.size_px} px, batch {self.batch}, {self.device}"

    @property
    def layout(self) -> torch.memory_format:
        """The memory layout of weights and ready pictures."""
        return torch.channels_last if self.channels_last else torch.contiguous_format


TINY = Case("tiny", 32, 2, classes=10)
CPU = (Case("ResNet-18", 224, 16), Case("MobileNetV3-small", 48, 64))
GPU = (Case("ResNet-50", 224, 64, device="cuda"),)
BUNDLED = (Case("bundled", 48, 24, classes=43), Case("bundled", 48, 64, classes=43))


def chosen(*, quick: bool, with_bundled: bool) -> tuple[Case, ...]:
    """Return the cases of a run; those for a GPU only where there is one."""
    if quick:
        return (TINY,)
    found = CPU + GPU if torch.cuda.is_available() else CPU
    return found + BUNDLED if with_bundled else found


def network(case: Case) -> nn.Module:
    """Return the network in evaluation mode, parameters frozen; raises ImportError without it."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        built = BUILDERS[case.network]()
    frozen = built.eval().requires_grad_(False).to(case.device)
    return frozen.to(memory_format=case.layout)


def pictures(case: Case) -> Tensor:
    """Return ready pictures (B,3,H,W) in [0,1]."""
    shape = (case.batch, 3, case.size_px, case.size_px)
    drawn = torch.rand(shape, generator=generator(0))
    return drawn.to(case.device, memory_format=case.layout)


def _torchvision(name: str) -> nn.Module:
    built: nn.Module = getattr(import_module("torchvision.models"), name)(weights=None)
    return built


def _tiny() -> nn.Module:
    pooled = (nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    return nn.Sequential(nn.Conv2d(3, 8, 3, 2, 1), *pooled, nn.Linear(8, 10))


BUILDERS: dict[str, Callable[[], nn.Module]] = {
    "ResNet-18": lambda: _torchvision("resnet18"),
    "ResNet-50": lambda: _torchvision("resnet50"),
    "MobileNetV3-small": lambda: _torchvision("mobilenet_v3_small"),
    "bundled": lambda: bundled().module,
    "tiny": _tiny,
}
