"""What a recogniser is worth: real test crops, stop signs, and simulated photos of each face."""

import json
from dataclasses import asdict
from pathlib import Path

import torch
from safetensors.torch import save
from torch import Tensor, nn

from physadv.core import Rate, draw, generator, spawn, wilson
from physadv.presets import world
from physadv.scene import SIGNS, StreetScene, sign
from physadv.training.augment import as_annotated
from physadv.training.gtsrb_data import read_crops
from physadv.training.recogniser import Recipe, answers
from physadv.victims.bundled import SIZE_PX

CROP = "square around the annotated box, 10 % of its longer side added on every side"
STOP = 14


def measure_recogniser(net: nn.Module, data: Path, *, each: int = 200) -> dict[str, Rate]:
    """Return the shares of right answers on GTSRB's test part and on street photos of each face."""
    test = read_crops(data, "test")
    right = answers(net, as_annotated(test, SIZE_PX)) == test.classes
    stops = right[test.classes == STOP]
    found = {"GTSRB test": _rate(right), "GTSRB test, stop signs": _rate(stops)}
    for name in SIGNS:
        label = sign(name).labels.get("gtsrb")
        if label is not None:
            found[f"street, {name}"] = _rate(street_answers(net, name, each) == label)
    return found


def street_answers(net: nn.Module, name: str, n: int, *, seed: int = 1) -> Tensor:
    """Return a network's answers (n,) to fresh hard-developed street photos of a bare sign."""
    street = world("street", StreetScene(sign(name)))
    rng = generator(spawn(seed, "measure", name))
    parts = []
    with torch.no_grad():
        for start in range(0, n, 50):
            given = draw(street.declared(), min(50, n - start), rng)
            parts.append(answers(net, street.photograph(None, given, SIZE_PX, hardly=True).pixels))
    return torch.cat(parts)


def _rate(right: Tensor) -> Rate:
    return wilson(int(right.sum()), len(right))


def write_recogniser(path: Path, net: nn.Module, recipe: Recipe, measured: dict[str, Rate]) -> None:
    """Write weights (safetensors) and, beside them as .json, the card of what was measured."""
    path.write_bytes(save({name: value.contiguous() for name, value in net.state_dict().items()}))
    card = {
        "trained on": "GTSRB training part without track 23 of class 14, and simulated photos",
        "recipe": asdict(recipe),
        "crop": CROP,
        "measured": {
            name: {"share": round(rate.share, 4), **asdict(rate)} for name, rate in measured.items()
        },
    }
    path.with_suffix(".json").write_text(json.dumps(card, indent=2) + "\n")
