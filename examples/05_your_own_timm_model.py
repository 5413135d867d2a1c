"""Your own timm model as the victim: its size, mean, std and labels stay its own. --quick: seconds.

python examples/05_your_own_timm_model.py [--quick]   (pip install "physadv[timm]")
"""

import sys
from dataclasses import replace

import timm
import torch
from torch.nn.functional import cross_entropy

from physadv.attacks import Gradient
from physadv.core import generator
from physadv.objectives import margin, targeted
from physadv.patch import Limits, Pixels, candidates
from physadv.presets import world
from physadv.problem import Problem
from physadv.scene import StreetScene, sign
from physadv.victims import timm_classifier

quick = "--quick" in sys.argv
n = 20 if quick else 100
scenes = {name: StreetScene(sign(name)) for name in ("stop", "yield", "no_entry")}
worlds = [world("lab", scene, label=k) for k, scene in enumerate(scenes.values())]

# Any model of timm's; `timm_classifier` reads from it what it is validated with. Say what differs:
# this one is given crops of a sign, stretched to 64 pixels.
torch.manual_seed(0)
network = timm.create_model("test_resnet", pretrained=False, num_classes=len(scenes))
victim = timm_classifier(network, labels=list(scenes))
victim.prepare = replace(victim.prepare, size_px=64, fit="stretch", resize_px=None)
print(f"{victim}, mean {victim.prepare.mean}, std {victim.prepare.std}")

# Yours has weights: network.load_state_dict(torch.load("mine.pth", weights_only=True)). This one
# learns three signs, from pictures that the victim prepares for it as it will later.
optimiser = torch.optim.Adam(network.parameters(), lr=3e-3)
for step in range(2 if quick else 40):
    taken = [one.photograph(None, one.draw(8, generator(step)), (64, 64)) for one in worlds]
    images = victim.prepare(torch.cat([photo.pixels for photo in taken]))
    loss = cross_entropy(network(images), torch.cat([photo.labels for photo in taken]))
    optimiser.zero_grad()
    loss.backward()
    optimiser.step()
network.eval()

mask = candidates(scenes["stop"].face(), Limits(area_pct=15, pieces=5, min_mm=60))["around"]
goal = targeted(victim.label("no_entry"), margin)
problem = Problem(victim, goal, Pixels(mask, cell_mm=25), worlds[victim.label("stop")])
attack = Gradient(steps=3 if quick else 40, batch=4 if quick else 16)
report = attack(problem, seed=0, n=n).report
print(f"bare sign read right: {report.correct}, read as no_entry: {report.clean}")
print(f"with stickers read as no_entry: {report.success}")
for name, rate in report.controls.items():
    print(f"  control {name}: {rate}")
print(f"doubts: {report.doubts or 'none'}")
