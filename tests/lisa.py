"""LISA-CNN as a user of physadv would bring it: `physadv ... --victim tests/lisa.py:lisa`."""

from pathlib import Path

from torch import Tensor, nn

from physadv.victims import Classifier, load_weights
from tests.shared_data import DATA

SPEED_LIMIT_45, STOP = 12, 14


class LisaCnn(nn.Module):
    """The US-sign classifier of Eykholt et al. 2018; RGB (B,3,32,32) in [0,1], 18 logits."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 8, stride=2, padding=3)
        self.conv2 = nn.Conv2d(64, 128, 6, stride=2)
        self.conv3 = nn.Conv2d(128, 128, 5)
        self.fc = nn.Linear(512, 18)

    def forward(self, images: Tensor) -> Tensor:
        features = self.conv1(images).relu()
        features = self.conv2(features).relu()
        features = self.conv3(features).relu()
        scores: Tensor = self.fc(features.flatten(1))
        return scores


def lisa(data: Path = DATA) -> Classifier:
    """Return the trained network; its output 0 never was a class."""
    module = LisaCnn()
    load_weights(module, data / "victims" / "lisa_cnn.safetensors")
    names = (data / "rp2" / "lisa_mapping.txt").read_text().split()
    return Classifier(module, ["unused", *names], size_px=32, name="LISA-CNN")
