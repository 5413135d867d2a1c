"""The recipe behind `physadv train robust`: follow a course, leave weights, card and checkpoint."""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from safetensors.torch import save
from torch import nn

from physadv.attacks.digital import settings_of
from physadv.core import Rate, check
from physadv.core.check import one_of
from physadv.core.whole import clear_unfinished
from physadv.generative.files import read_tensors, write_tensors
from physadv.training.gtsrb_data import SignCrops
from physadv.training.measure import CROP
from physadv.training.recogniser import Progress
from physadv.training.robust.course import Ready, RobustRecipe, harden
from physadv.training.robust.distil import Student, Teacher
from physadv.training.robust.lesson import Method
from physadv.training.robust.methods import Fast, Free, Mix, Pgd, Physical, Trades
from physadv.training.robust.patches import PatchTraining
from physadv.training.robust.pool import Pool
from physadv.training.robust.shown import Bands, Masks, Noise
from physadv.victims.bundled import SignNet
from physadv.victims.weights import digest

METHODS: dict[str, Callable[..., Method]] = {
    "bands": Bands,
    "distil": Teacher,
    "fast": Fast,
    "free": Free,
    "masks": Masks,
    "mix": Mix,
    "noise": Noise,
    "patch": PatchTraining,
    "pgd": Pgd,
    "physical": Physical,
    "pool": Pool,
    "trades": Trades,
}
"""What each is made of; a distillation's teacher goes before its student."""
BATCHES = {"distil": 1600, "fast": 2000, "free": 400, "mix": 1300, "patch": 500, "pgd": 700}
BATCHES |= {"bands": 3000, "masks": 3000, "noise": 3000, "physical": 3000}
BATCHES |= {"pool": 350, "trades": 460}
"""Batches of 64, each method's for less than 20 minutes on one core, measuring aside."""
CHECKPOINT, TEACHER, CARD = "checkpoint.safetensors", "teacher.safetensors", "card.json"


@dataclass(frozen=True)
class RobustPlan:
    """What is done beside training: stop after `minutes` if given, go on from a checkpoint."""

    minutes: float | None = None
    resume: bool = False


PLAN = RobustPlan()


def robust_method(name: str, settings: Mapping[str, Any]) -> Method:
    """Return a method by its name; raises `UserError` for names and settings there are not."""
    one_of("method", name, METHODS)
    known = settings_of(METHODS[name])
    fix = f"{name} has no settings" if not known else ""
    check(not settings or bool(known), "set", expected="nothing", got=", ".join(settings), fix=fix)
    for key, value in settings.items():
        one_of(f"{name} --set", key, known)
        kinds = (int, float) if known[key].type is float else (known[key].type,)
        expected = "a text" if known[key].type is str else "a number"
        check(type(value) in kinds, key, expected=expected, got=repr(value))
    return METHODS[name](**settings)


def train_robust(
    crops: SignCrops,
    method: Method,
    recipe: RobustRecipe,
    out: Path,
    *,
    plan: RobustPlan = PLAN,
    progress: Progress = lambda *_: None,
) -> tuple[SignNet, dict[str, Any]]:
    """Harden a recogniser on crops; return the network and the facts of its training.

    Leaves a checkpoint in `out` that a stop at any time leaves whole and `plan.resume` goes on
    from. A `Teacher` is followed by a `Student` of the same temperature and as many batches, and
    both begin with random weights. Raises `UserError` where a checkpoint is of another training.
    """
    if not isinstance(method, Teacher):
        return _follow(crops, method, recipe, out / CHECKPOINT, plan=plan, progress=progress)
    fresh = replace(recipe, begin="random")
    half = replace(plan, minutes=plan.minutes and plan.minutes / 2)
    first, told = _follow(crops, method, fresh, out / TEACHER, plan=half, progress=progress)
    begun = replace(half, resume=plan.resume and (out / CHECKPOINT).is_file())
    other = replace(fresh, seed=fresh.seed + 1)
    student = Student(Ready(first).eval(), method.temperature)
    net, facts = _follow(crops, student, other, out / CHECKPOINT, plan=begun, progress=progress)
    return net, facts | {"teacher": told, "seconds": told["seconds"] + facts["seconds"]}


def write_robust(
    out: Path, name: str, net: SignNet, facts: Mapping[str, Any], measured: Mapping[str, Rate]
) -> Path:
    """Write NAME.safetensors, which `load_victim` takes, and card.json; return its path."""
    weights = out / f"{name}.safetensors"
    state = {key: value.contiguous() for key, value in net.state_dict().items()}
    weights.write_bytes(save(state))
    rates = {key: {"share": round(one.share, 4), **asdict(one)} for key, one in measured.items()}
    attack = "an image counts if read right and not turned by PGD (20 steps, 2 starts) on margin or"
    about = {"crop": CROP, "accuracy": f"Linf; {attack} cross-entropy", "measured": rates}
    text = json.dumps({"method": name, **facts, **about}, indent=2)
    (out / CARD).write_text(text + "\n", encoding="utf-8")
    return weights


def _follow(
    crops: SignCrops,
    method: Method,
    recipe: RobustRecipe,
    path: Path,
    *,
    plan: RobustPlan,
    progress: Progress,
) -> tuple[SignNet, dict[str, Any]]:
    """Follow a course to its end, or until time is up, a checkpoint behind each state."""
    facts = _facts(crops, method, recipe)
    tensors, before = None, 0.0
    if plan.resume:
        tensors, known = read_tensors(path, "resume", "a folder with a training that was stopped")
        before = float(known.pop("seconds"))
        _check_same(known, facts)
    path.parent.mkdir(parents=True, exist_ok=True)
    clear_unfinished(path.parent)
    began = time.monotonic() - before
    for state in harden(crops, method, recipe, resume=tensors, progress=progress):
        seconds = time.monotonic() - began
        write_tensors(path, state.tensors, facts | {"seconds": seconds})
        if plan.minutes is not None and seconds >= 60 * plan.minutes:
            break
    return state.net, facts | {"done": state.done, "seconds": round(seconds, 1)}


def _facts(crops: SignCrops, method: Method, recipe: RobustRecipe) -> dict[str, Any]:
    """Return what decides a training, as JSON has it."""
    own = {key: getattr(method, key) for key in settings_of(method)}
    own = {key: digest(v) if isinstance(v, nn.Module) else v for key, v in own.items()}
    kind = type(method).__name__
    return {"trained on": f"{len(crops)} crops", "by": {kind: own}, "recipe": asdict(recipe)}


def _check_same(known: dict[str, Any], facts: dict[str, Any]) -> None:
    others = [f"{key} {facts[key]} instead of {known.get(key)}" for key in facts]
    others = [text for key, text in zip(facts, others, strict=True) if facts[key] != known.get(key)]
    expected, fix = "the settings the training began with", "give the same, or leave --resume out"
    check(not others, "resume", expected=expected, got="; ".join(others), fix=fix)
