"""What a search step costs beside the bare victim: the same batch, the same run, interleaved."""

import platform
import statistics
from collections.abc import Callable
from time import perf_counter

import torch

from physadv.core import Encoded, generator
from physadv.objectives import margin, targeted
from physadv.patch import Limits, Pixels, candidates
from physadv.presets import world
from physadv.problem import Problem
from physadv.scene import StreetScene, sign
from physadv.victims import load_victim

ROUNDS = 15
BATCHES = (24, 64)


def timed(work: Callable[[], object]) -> float:
    """Return the seconds of one call."""
    begun = perf_counter()
    work()
    return perf_counter() - begun


def main() -> None:
    """Print one table: medians over interleaved rounds."""
    victim = load_victim("bundled")
    scene = StreetScene(sign("stop"))
    patch = Pixels(candidates(scene.face(), Limits())["middle"])
    print(f"{platform.processor() or platform.machine()}, {torch.get_num_threads()} threads")
    print("world   batch  victim ms  whole step ms  ratio")
    for preset in ("lab", "street"):
        problem = Problem(victim, targeted(5, margin), patch, world(preset, scene, label=14))
        for batch in BATCHES:
            bare, whole = measure(problem, batch)
            ratio = statistics.median(b / a for a, b in zip(bare, whole, strict=True))
            one, other = statistics.median(bare) * 1e3, statistics.median(whole) * 1e3
            print(f"{preset:7} {batch:5d}  {one:9.1f}  {other:13.1f}  {ratio:5.2f}")


def measure(problem: Problem, batch: int) -> tuple[list[float], list[float]]:
    """Return the seconds of the bare victim's step and of the whole one, round by round."""
    rng = generator(0)
    theta = problem.patch.start(rng).requires_grad_()
    pictures = Encoded(
        torch.rand(batch, 3, *problem.victim.size_px, generator=rng).requires_grad_()
    )

    def bare() -> None:
        torch.autograd.grad(problem.victim(pictures).scores[:, 5].sum(), pictures)

    def whole() -> None:
        outcome = problem.evaluate(theta, problem.draw(batch, rng))
        torch.autograd.grad(outcome.loss.sum(), theta)

    for work in (bare, whole):
        work()
    rounds = [(timed(bare), timed(whole)) for _ in range(ROUNDS)]
    return [a for a, _ in rounds], [b for _, b in rounds]


if __name__ == "__main__":
    main()
