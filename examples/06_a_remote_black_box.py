"""A recogniser asked over HTTP: labels alone, a budget, answers kept. `--quick` takes seconds."""

import sys
from contextlib import ExitStack
from functools import partial

import torch
from art.attacks.evasion import HopSkipJump
from physadv_art import from_victim

from physadv.core import Encoded, generator
from physadv.judge import Told, judge_images
from physadv.objectives import untargeted
from physadv.presets import world
from physadv.scene import StreetScene, sign
from physadv.testing import served
from physadv.victims import Prepare, Remote, Wire, load_victim

ROUNDS, BUDGET = (1, 1000) if "--quick" in sys.argv else (8, 10000)
model, stack = load_victim("bundled"), ExitStack()
address = stack.enter_context(served(model, reply="signs"))  # it stands for what you are to test
wire = Wire(reply="signs", answers="labels")  # where in a reply the answers are, and what they are
ask = partial(Remote, address, model.labels, Prepare(48), wire=wire, cache="example-answers")
remote = ask(budget=BUDGET)  # images that may be sent, in all; a BudgetError ends the attack
street = world("lab", StreetScene(sign("stop")))
x = street.photograph(None, street.draw(2, generator(0)), remote.size_px, hardly=True).pixels
read = remote(x).best
hop = HopSkipJump(from_victim(remote), max_iter=ROUNDS, max_eval=300, init_eval=20, verbose=False)
attacked = Encoded(torch.from_numpy(hop.generate(x.numpy())))
report = judge_images(remote, x, attacked, untargeted(), Told(read, read))
print(f"misread: {report.success}, changed by at most {report.change['2']:.2f} (norm 2)")
print(f"read as {report.answers}; {remote.queries} images sent")
again = ask(budget=0)  # what was answered once is not asked again, in this run or a later one
print(f"asked again: {again(attacked).best.tolist()}, {again.queries} images sent")
stack.close()
