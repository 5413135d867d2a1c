"""What telling less costs those who only ask: queries, beside the same attack on the bare victim.

python -m benchmarks.say_less DATA [--n 50] [--only label-only]: the bundled recogniser on images of
GTSRB's test part that it reads right, attacked one by one within Linf `eps`, as in
`benchmarks.digital_black_box`. The attacker is told what the defence tells, and takes a rejection
for the class that is read of the image itself. Success is the first image of whole bytes within eps
that the recogniser itself misreads and the defence does not reject. Attacks by labels are left out
where labels are told as they are.
"""

from dataclasses import dataclass
from pathlib import Path
from statistics import mean, median
from time import process_time
from typing import Annotated

import torch
import typer
from torch import Tensor

from benchmarks import show
from benchmarks.digital_black_box import Counted, results
from benchmarks.pictures import read_right
from physadv.core import Answer, Encoded, quantise, wilson
from physadv.core.check import one_of
from physadv.defences import (
    REJECTED,
    Defence,
    LabelOnly,
    NoisyScores,
    QueryDetection,
    ReverseSigmoid,
    RoundedScores,
)
from physadv.victims import Classifier, Victim
from physadv.victims.bundled import bundled

BY_SCORES = ("estimated (nes)", "torchattacks:Square")
BY_LABELS = ("evade-hc", "art:HopSkipJump")
BARE = "none"
DEFENCES: dict[str, Defence | None] = {
    BARE: None,
    "label-only": LabelOnly(),
    "rounded, 2 digits": RoundedScores(2),
    "reverse-sigmoid": ReverseSigmoid(),
    "noisy-scores, 0.1": NoisyScores(0.1),
    "noisy-scores, 1": NoisyScores(1.0),
    "query-detection": QueryDetection(),
}
SAME_LABELS = (LabelOnly, RoundedScores, ReverseSigmoid)


class Noted:
    """A victim that remembers the classes it read last, whatever is told of them."""

    def __init__(self, victim: Classifier) -> None:
        """Stand before a victim."""
        self.victim, self.read = victim, torch.zeros(0)
        self.name, self.labels, self.size_px = victim.name, victim.labels, victim.size_px
        self.differentiable, self.label = True, victim.label

    def __call__(self, images: Encoded) -> Answer:
        """Answer as the victim does."""
        answer = self.victim(images)
        self.read = answer.best
        return answer


@dataclass
class Guarded(Counted):
    """A victim behind a defence, with a memory of its own, as an attacker has it."""

    defence: Defence | None = None

    def __post_init__(self) -> None:
        """Put the defence around it."""
        self.noted = Noted(self.victim)
        self.guarded: Victim = self.defence(self.noted) if self.defence else self.noted

    def asked(self, seen: Encoded) -> tuple[Answer, Tensor]:
        """Return what is told, and what the victim reads; of rejected images the class shown."""
        scores, classes = self.guarded(seen).scores, len(self.labels)
        read = self.noted.read
        if self.guarded.labels[-1] == REJECTED:
            rejected = scores.argmax(dim=1) == classes
            nothing = torch.nn.functional.one_hot(torch.tensor(self.shown), classes).to(scores)
            scores = torch.where(rejected[:, None], nothing, scores[:, :classes])
            read = read.masked_fill(rejected, self.shown)
        return Answer(scores), read


def main(
    data: Annotated[Path, typer.Argument(help="Folder with gtsrb/.")],
    n: Annotated[int, typer.Option(help="Images.", min=1)] = 50,
    eps: Annotated[float, typer.Option(help="Of 255.")] = 16.0,
    queries: Annotated[int, typer.Option(help="Of each image.", min=1)] = 1000,
    only: Annotated[list[str] | None, typer.Option(help="These defences alone.")] = None,
    attack: Annotated[list[str] | None, typer.Option(help="These attacks alone.")] = None,
    seed: Annotated[int, typer.Option(help="Of images and searches.")] = 0,
) -> None:
    """Print a row for each attack on each defence."""
    show.heading()
    for name in only or ():
        one_of("only", name, DEFENCES)
    for name in attack or ():
        one_of("attack", name, BY_SCORES + BY_LABELS)
    victim = bundled()
    images, labels = read_right(victim, data, 2 * n, seed=seed)
    images, labels = Encoded(quantise(images)[:n]), labels[:n]
    head = ("attack", "defence", "success", "median queries", "mean queries", "times", "CPU s")
    show.row(*head)
    show.row(*["---"] * len(head))
    for attacker in attack or (*BY_SCORES, *BY_LABELS):
        plain = 0.0
        for name, defence in DEFENCES.items():
            same = attacker in BY_LABELS and isinstance(defence, SAME_LABELS)
            if same or (only and name not in (*only, BARE)):
                continue
            limits, begun = (eps / 255, queries), process_time()
            asked = [
                Guarded(victim, images[k : k + 1], label, None, limits, defence=defence)
                for k, label in enumerate(labels.tolist())
            ]
            firsts = [first for first, _, _ in results(attacker, list(asked), seed)]
            used = [queries if first is None else first for first in firsts]
            plain = mean(used) if name == BARE else plain
            rate = wilson(sum(first is not None for first in firsts), len(firsts))
            told = (f"{median(used):.0f}", f"{mean(used):.0f}", f"{mean(used) / plain:.2f}")
            show.row(attacker, name, str(rate), *told, f"{process_time() - begun:.0f}")


if __name__ == "__main__":
    show.run(main)
