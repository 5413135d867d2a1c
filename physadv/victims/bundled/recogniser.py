"""The recogniser that comes with physadv: 43 German signs, trained by `physadv train gtsrb`."""

import json
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

import torch

from physadv.core import UserError
from physadv.victims.bundled.net import SignNet
from physadv.victims.classifier import Classifier
from physadv.victims.weights import load_weights

SIZE_PX = (48, 48)
MEAN = (0.35, 0.32, 0.33)
STD = (0.25, 0.24, 0.25)


def bundled() -> Classifier:
    """Return the bundled recogniser; its 43 labels are GTSRB's class names.

    Give it crops that show the sign with a margin of about a tenth of its size on every side.
    """
    with as_file(files("physadv.victims.bundled") / "weights.safetensors") as path:
        return recogniser(path)


def recogniser(weights: Path) -> Classifier:
    """Return the network with weights made by `physadv train gtsrb`.

    Raises `UserError` where the file cannot be read or belongs to another network.
    """
    net = SignNet()
    load_weights(net, weights)
    name = "bundled" if weights.parent.name == "bundled" else weights.stem
    net = net.eval().to(memory_format=torch.channels_last)
    return Classifier(net, labels(), size_px=SIZE_PX, mean=MEAN, std=STD, name=name)


def labels() -> tuple[str, ...]:
    """Return GTSRB's 43 class names, in order."""
    return tuple(_read("labels.json"))


def card() -> dict[str, Any]:
    """Return what was measured of the bundled weights."""
    try:
        return dict(_read("weights.json"))
    except FileNotFoundError as error:
        raise UserError("card", expected="weights.json beside the weights", got="none") from error


def _read(name: str) -> Any:
    return json.loads((files("physadv.victims.bundled") / name).read_text())
