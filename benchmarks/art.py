"""Our attacks beside ART's, Foolbox's and torchattacks', side by side in one run.

python -m benchmarks.art [--seconds 20] [--photos 32] [--rounds 3]
"""

from collections.abc import Callable
from statistics import median
from time import process_time
from typing import Annotated, Any

import numpy as np
import torch
import typer
from art.attacks.evasion import AdversarialPatchPyTorch, ProjectedGradientDescentPyTorch
from physadv_art import PGD, UniversalPatch, VictimClassifier, from_victim
from physadv_art.frame import Array
from rich.table import Table
from torch import Tensor

from benchmarks import show
from physadv.attacks.digital import Patch, Rows
from physadv.core import Encoded, draw, generator, wilson
from physadv.presets import world
from physadv.scene import StreetScene, sign
from physadv.victims import Asked, Classifier
from physadv.victims.bundled import bundled

TURN_DEG, SCALE, SPREAD, EPS, STEPS = 20.0, 0.4, 0.1, 28 / 255, 20
SHIFT = (1 - SCALE) / 2 / SCALE
"""As far from the middle, in sides of the patch, as it stays inside: ART's random place."""
Made = Callable[[int], Any]


def main(
    seconds: Annotated[float, typer.Option(help="Time that each patch is searched.")] = 20.0,
    photos: Annotated[int, typer.Option(help="Photographs that are attacked.")] = 32,
    rounds: Annotated[int, typer.Option(help="Interleaved rounds.")] = 3,
) -> None:
    """Print CPU time a step and success after equal time of patches, then the same of PGD.

    CPU time, so that what else the machine does counts less.
    """
    show.heading()
    victim = bundled()
    patches(victim, seconds, photos, rounds)
    descents(victim, photos, rounds)


def patches(victim: Classifier, seconds: float, count: int, rounds: int) -> None:
    """Search one patch for all, anywhere, turned and scaled, for equal time; judge alike."""
    on = from_victim(victim)
    x, y = pictures(victim, count, seed=0)
    makers: dict[str, Callable[[int, int], Array]] = {
        "physadv UniversalPatch": lambda steps, seed: ours(on, x, y, steps, seed),
        "ART AdversarialPatchPyTorch": lambda steps, seed: arts(on, x, y, steps, seed),
    }
    times = {name: list[float]() for name in makers}
    for make in makers.values():
        make(2, 0)
    for seed in range(rounds):
        for name, make in makers.items():
            begun = process_time()
            make(10, seed)
            times[name].append((process_time() - begun) / 10)
    table = Table(
        "patch for all", "CPU ms a step", "steps", "CPU seconds", "misread, fresh photographs"
    )
    for name, make in makers.items():
        steps = max(1, round(seconds / median(times[name])))
        begun = process_time()
        patch = make(steps, 0)
        took, seen = process_time() - begun, judged(victim, patch, 4 * count)
        ms = f"{1e3 * median(times[name]):.0f}"
        table.add_row(name, ms, str(steps), f"{took:.1f}", str(wilson(int(seen.sum()), len(seen))))
    grey = judged(victim, np.full((3, 19, 19), 0.5, dtype=np.float32), 4 * count)
    table.add_row("grey square", "", "", "", str(wilson(int(grey.sum()), len(grey))))
    show.console.print(table)


def ours(on: VictimClassifier, x: Array, y: Array, steps: int, seed: int) -> Array:
    """Search with our class, the batch all images."""
    half = 48 * SCALE / 2
    box = (24 - half, 24 - half, 24 + half, 24 + half)
    attack = UniversalPatch(
        on, place=box, max_iter=steps, turn_deg=TURN_DEG, size_ratio=SPREAD, batch=len(x)
    )
    attack.set_params(shift_ratio=SHIFT, seed=seed, verbose=False, eps_step=0.05)
    attack.generate(x, y)
    return attack.patch


def arts(on: VictimClassifier, x: Array, y: Array, steps: int, seed: int) -> Array:
    """Search with ART's class; its learning rate is that of Adam as well."""
    np.random.seed(seed)
    attack = AdversarialPatchPyTorch(
        on,
        rotation_max=TURN_DEG,
        scale_min=SCALE * (1 - SPREAD),
        scale_max=SCALE * (1 + SPREAD),
        learning_rate=0.05,
        max_iter=steps,
        batch_size=len(x),
        patch_shape=(3, 48, 48),
        patch_type="square",
        optimizer="Adam",
        targeted=False,
        verbose=False,
    )
    patch, _ = attack.generate(x, np.eye(on.nb_classes, dtype=np.float32)[y])
    return np.asarray(patch, dtype=np.float32)


def judged(victim: Classifier, patch: Array, count: int) -> Tensor:
    """Lay a patch on fresh photographs under fresh transforms; return which are misread."""
    x, y = pictures(victim, count, seed=1)
    ways = Patch(turn_deg=TURN_DEG, size_ratio=SPREAD, shift_ratio=SHIFT, area_pct=100 * SCALE**2)
    given = draw(ways.declared(), count, generator(2))
    with torch.no_grad():
        images = Encoded(torch.from_numpy(x))
        laid = ways.laid(images, torch.from_numpy(patch)[None].clamp(0, 1), Rows(), given)
        return victim(laid).best != torch.from_numpy(y)


def descents(victim: Classifier, count: int, rounds: int) -> None:
    """Attack the same images with the same budget and steps; each from a random point."""
    x, y = pictures(victim, count, seed=0)
    makers = descenders(victim, x, y)
    times = {name: list[float]() for name in makers}
    found: dict[str, Array] = {}
    for seed in range(rounds + 1):
        for name, make in makers.items():
            begun = process_time()
            found[name] = np.asarray(make(seed), dtype=np.float32)
            if seed:  # the first round warms up
                times[name].append(process_time() - begun)
    table = Table(
        f"PGD, {STEPS} steps, eps {255 * EPS:.0f}/255", "CPU seconds", "misread", "margin"
    )
    labels = torch.from_numpy(y)[:, None]
    for name, made in found.items():
        with torch.no_grad():
            scores = victim(Encoded(torch.from_numpy(made).clamp(0, 1))).scores
        own = scores.gather(1, labels)[:, 0]
        margin = own - scores.scatter(1, labels, -torch.inf).amax(dim=1)
        rate = wilson(int((margin < 0).sum()), count)
        table.add_row(name, f"{median(times[name]):.2f}", str(rate), f"{float(margin.mean()):.2f}")
    show.console.print(table)


def descenders(victim: Classifier, x: Array, y: Array) -> dict[str, Made]:
    """Return the attacks by name; of what is not installed there is none."""
    on, images, labels = from_victim(victim), torch.from_numpy(x), torch.from_numpy(y)
    rate, hot = 2.5 * EPS / STEPS, np.eye(43, dtype=np.float32)[y]
    count = len(x)

    def own(seed: int) -> Array:
        attack = PGD(on, eps=EPS, max_iter=STEPS, batch_size=count, seed=seed, verbose=False)
        return attack.generate(x, y)

    def art(_: int) -> Array:
        attack = ProjectedGradientDescentPyTorch(on, eps=EPS, eps_step=rate, max_iter=STEPS)
        attack.set_params(num_random_init=1, batch_size=count, verbose=False)
        return np.asarray(attack.generate(x, hot))

    makers: dict[str, Made] = {"physadv PGD": own, "ART PGD": art}
    try:
        import torchattacks
        from foolbox.attacks import LinfPGD
        from foolbox.models.pytorch import PyTorchModel
    except ImportError as error:
        show.console.print(f"left out: {error}")
        return makers
    net = Asked(victim).eval()
    model = PyTorchModel(net, bounds=(0, 1), device="cpu")
    theirs = LinfPGD(steps=STEPS, abs_stepsize=rate)
    makers["Foolbox LinfPGD"] = lambda _: theirs(model, images, labels, epsilons=EPS)[1].numpy()
    last = torchattacks.PGD(net, eps=EPS, alpha=rate, steps=STEPS)
    makers["torchattacks PGD"] = lambda _: last(images, labels).numpy()
    return makers


def pictures(victim: Classifier, count: int, seed: int) -> tuple[Array, Array]:
    """Return photographs of stop signs (n,3,48,48) and their class (n,)."""
    stop = victim.label("Stop")
    street = world("lab", StreetScene(sign("stop")), label=stop)
    with torch.no_grad():
        given = street.draw(count, generator(seed))
        photo = street.photograph(None, given, victim.size_px, hardly=True)
    return photo.pixels.numpy(), np.full(count, stop)


if __name__ == "__main__":
    show.run(main)
