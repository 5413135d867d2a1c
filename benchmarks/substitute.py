"""What images made on a substitute do to a victim that was only asked: `python -m
benchmarks.substitute DATA`, where DATA holds gtsrb/, rp2/ and victims/.

Each victim's attacker draws training images of GTSRB as its own and has them labelled.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import torch
import typer
from sklearn.ensemble import RandomForestClassifier
from sklearn.neighbors import KNeighborsClassifier
from sklearn.svm import SVC
from torch import Tensor

from benchmarks import show
from physadv.attacks.digital import PGD, Rows
from physadv.attacks.digital.substitute import (
    SubstituteRecipe,
    SubstituteState,
    SubstituteWatch,
    Transfer,
    train_substitute,
)
from physadv.core import Encoded, generator, load_image, quantise, spawn
from physadv.evaluation import agreement, judge_transfer
from physadv.objectives import cross_entropy, untargeted
from physadv.training import SignCrops, as_annotated, read_crops
from physadv.victims import Classifier, Victim, hog, load_victim, scikit_classifier
from physadv.victims.bundled import SIZE_PX, labels

EPS = (8 / 255, 0.1, 0.2, 0.3, 0.4)
STOP = 14
SIDE = 32
FITTED = 4000
"""How many training images the models of scikit-learn are fitted on."""
MODELS: dict[str, Callable[[], Any]] = {
    "svm": lambda: SVC(C=10.0),
    "forest": lambda: RandomForestClassifier(100, random_state=0),
    "neighbours": lambda: KNeighborsClassifier(1),
}
"""On histograms of oriented gradients."""


@dataclass(frozen=True, eq=False)
class Case:
    """A victim, images (N,3,h,w) of the attacker's own, and images to attack with their labels."""

    victim: Victim
    own: Encoded
    images: Encoded
    truth: Tensor


def main(
    data: Annotated[Path, typer.Argument(help="The folder of real images and weights.")],
    victim: Annotated[list[str] | None, typer.Option(help="bundled, lisa, svm, …; all.")] = None,
    n: Annotated[int, typer.Option(min=1, help="Images attacked.")] = 200,
    initial: Annotated[int, typer.Option(min=1, help="Images of the attacker's own.")] = 400,
    queries: Annotated[int, typer.Option(min=1, help="Images shown to each victim.")] = 4800,
    steps: Annotated[int, typer.Option(min=1, help="Steps of PGD.")] = 10,
    seed: int = 0,
) -> None:
    """Print, for each victim, how the substitute learns, and a table of success by eps."""
    torch.set_num_threads(1)
    show.heading()
    recipe = SubstituteRecipe(queries, rounds=6, doublings=2, reservoir=2 * initial)
    for name in victim or ["bundled", "lisa", *MODELS]:
        case = _case(name, data, n, initial, seed)
        _say(f"\n{name}: {initial} images to begin with, {len(case.images)} attacked")
        watch = SubstituteWatch(state=_tell)
        made = train_substitute(case.victim, case.own, recipe, seed=seed, watch=watch)
        alike = agreement(made.substitute, case.victim, case.images)
        _say(f"{made.state.queries} queries, {made.state.seconds:.0f} s; agreement {alike}")
        for row in rows(case, made.substitute, steps, seed):
            _say(row)


def rows(case: Case, substitute: Classifier, steps: int, seed: int) -> list[str]:
    """Return a table in Markdown: a line for each eps, a column for each way images are made."""
    table, lines = list[str](), list[str]()
    for eps in EPS:
        made = _made(case, substitute, eps, steps, seed)
        found = judge_transfer(made, [case.victim], case.images, case.truth)
        if not table:
            table = [f"read right before: {found.read[0]}", f"| eps | {' | '.join(found.rows)} |"]
            table.append("|---|" + "---:|" * len(found.rows))
        told = f"{round(255 * eps)}/255" if eps == EPS[0] else f"{eps:g}"
        lines.append(f"| {told} | {' | '.join(str(cell[0]) for cell in found.success)} |")
    return table + lines


def _made(
    case: Case, substitute: Classifier, eps: float, steps: int, seed: int
) -> Mapping[str, Encoded]:
    """Make images with noise, through the substitute, and with the victim's own gradients."""
    once = PGD(eps=eps, rate=eps, steps=1, random_starts=0)
    often = PGD(eps=eps, steps=steps)
    rng = generator(spawn(seed, "noise"))
    sign = torch.randint(2, case.images.shape, generator=rng) * 2.0 - 1
    made = {"random signs": Encoded((case.images + eps * sign).clamp(0, 1))}
    named = {"one step": once, "PGD": often}
    ways: dict[str, Any] = {f"{k}, substitute": Transfer(substitute, v) for k, v in named.items()}
    if case.victim.differentiable:
        ways |= {f"{name}, white box": attack for name, attack in named.items()}
    goal, told = untargeted(cross_entropy), Rows(labels=case.truth)
    for name, attack in ways.items():
        made[name] = attack(case.victim, case.images, goal, rows=told, seed=seed)
    return made


def _tell(state: SubstituteState) -> None:
    """Say after each training how far it has come."""
    told = f"training {state.trained}: {state.queries} queries, {state.seconds:.0f} s"
    _say(f"{told}; foretold of the images asked last: {state.agreed}")


def _say(line: str) -> None:
    show.console.print(line, markup=False, soft_wrap=True)


def _case(name: str, data: Path, n: int, initial: int, seed: int) -> Case:
    train, test = (read_crops(data / "gtsrb", part) for part in ("train", "test"))
    drawn = torch.randperm(len(train), generator=generator(spawn(seed, "own")))
    own, rest = train.rows(drawn[:initial]), train.rows(drawn[initial : initial + FITTED])
    picked = torch.randperm(len(test), generator=generator(spawn(seed, "test")))[:n]
    if name == "lisa":
        return _lisa(data, test, own, n)
    size = SIZE_PX if name == "bundled" else (SIDE, SIDE)
    victim = load_victim("bundled") if name == "bundled" else _fitted(name, rest)
    chosen = test.rows(picked)
    return Case(victim, _framed(own, size), _framed(chosen, size), chosen.classes)


def _fitted(name: str, crops: SignCrops) -> Victim:
    """Fit a model of scikit-learn on images that the attacker does not have."""
    arrays = _framed(crops, (SIDE, SIDE)).double().permute(0, 2, 3, 1).numpy()
    model = MODELS[name]().fit(hog(arrays), crops.classes.numpy())
    return scikit_classifier(model, labels(), size_px=SIDE, features=hog, name=name)


def _lisa(data: Path, test: SignCrops, own: SignCrops, n: int) -> Case:
    """LISA-CNN knows one of GTSRB's signs: stop signs of both sets are attacked."""
    victim = load_victim(f"{Path(__file__).parents[1] / 'tests' / 'lisa.py'}:lisa")
    stops = _framed(test.rows(test.classes == STOP), (SIDE, SIDE), margin=0.0)
    files = sorted((data / "rp2" / "victims_32").glob("*.png"))
    photos = torch.cat([load_image(file) for file in files])
    images = Encoded(torch.cat([photos, stops])[:n])
    return Case(
        victim,
        _framed(own, (SIDE, SIDE), margin=0.0),
        images,
        torch.full((len(images),), victim.label("stop")),
    )


def _framed(crops: SignCrops, size: tuple[int, int], margin: float = 0.1) -> Encoded:
    return Encoded(quantise(as_annotated(crops, size, margin)))


if __name__ == "__main__":
    show.run(main)
