"""The bundled recogniser's network: a compact residual CNN for 43 German signs at 48 px."""

from torch import Tensor, nn


class Block(nn.Module):
    """Two 3x3 convolutions with a projected shortcut, then halving (He et al. 2016)."""

    def __init__(self, inputs: int, outputs: int, *, stride: int) -> None:
        """Map `inputs` channels to `outputs`, at 1/stride of the resolution."""
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False),
            nn.BatchNorm2d(outputs),
            nn.ReLU(),
            nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False),
            nn.BatchNorm2d(outputs),
        )
        self.shortcut = nn.Sequential(
            nn.AvgPool2d(stride) if stride > 1 else nn.Identity(),
            nn.Conv2d(inputs, outputs, 1, bias=False),
            nn.BatchNorm2d(outputs),
        )
        self.out = nn.ReLU()

    def forward(self, images: Tensor) -> Tensor:
        """Map (B,inputs,H,W) to (B,outputs,H/stride,W/stride)."""
        result: Tensor = self.out(self.body(images) + self.shortcut(images))
        return result


class SignNet(nn.Sequential):
    """Images (B,3,48,48), normalised, to logits (B,43)."""

    def __init__(self, classes: int = 43) -> None:
        """Build the layers with random weights."""
        super().__init__(
            nn.Conv2d(3, 32, 5, 2, 2, bias=False),
            nn.BatchNorm2d(32),
            nn.ReLU(),
            Block(32, 48, stride=1),
            Block(48, 96, stride=2),
            Block(96, 160, stride=2),
            nn.AdaptiveAvgPool2d(2),
            nn.Flatten(),
            nn.Dropout(0.2),
            nn.Linear(640, classes),
        )
