"""Your own torch network as the victim: wrap it, attack it, judge it. `--quick` takes seconds."""

import sys

import torch
from torch import nn

from physadv.attacks import Gradient
from physadv.judge import judge
from physadv.objectives import smooth, targeted
from physadv.patch import Limits, Pixels, candidates
from physadv.presets import world
from physadv.problem import Problem
from physadv.scene import StreetScene, sign
from physadv.victims import Classifier

quick = "--quick" in sys.argv

# Any network that gives one score a class; here a small one with random weights.
torch.manual_seed(0)
network = nn.Sequential(
    nn.Conv2d(3, 8, 5, stride=2), nn.ReLU(), nn.Conv2d(8, 16, 5, stride=2), nn.ReLU(),
    nn.AdaptiveAvgPool2d(3), nn.Flatten(), nn.Linear(144, 4),
)  # fmt: skip
victim = Classifier(
    network,
    ["stop", "yield", "no entry", "background"],
    size_px=32,
    mean=(0.5, 0.5, 0.5),
    std=(0.25, 0.25, 0.25),
    name="my network",
)

# The stickers: free pixels in a fixed layout within the limits.
scene = StreetScene(sign("stop"))
mask = candidates(scene.face(), Limits(area_pct=12, pieces=5, min_mm=60))["around"]
problem = Problem(
    victim,
    targeted(victim.label("yield")) + 0.05 * smooth(),
    Pixels(mask, cell_mm=25),
    world("lab", scene, label=victim.label("stop")),
)
attack = Gradient(steps=5 if quick else 100, batch=4 if quick else 24)
result = attack(problem, seed=0, n=20 if quick else 200)
print(f"stickers: {result.report.success}, bare sign: {result.report.clean}")

# The judge can be asked again, under conditions from another seed.
again = judge(problem, result.theta, seed=1, n=20 if quick else 200)
print(f"judged again: {again.success}; doubts: {again.doubts or 'none'}")
