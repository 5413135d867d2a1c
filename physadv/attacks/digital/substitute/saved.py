"""A substitute in a file: its network, and all that its training needs to go on."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from physadv.attacks.digital.substitute.networks import as_victim, build_network
from physadv.attacks.digital.substitute.recipe import SubstituteRecipe
from physadv.attacks.digital.substitute.train import SubstituteState, weights_in
from physadv.core import UserError, check
from physadv.core.whole import write_whole
from physadv.victims import Classifier, Victim

FILE = "substitute.safetensors"


@dataclass(frozen=True)
class SubstituteFacts:
    """What is known of a saved substitute beside its tensors."""

    recipe: SubstituteRecipe
    seed: int
    labels: tuple[str, ...]
    victim: str

    @classmethod
    def of(cls, victim: Victim, recipe: SubstituteRecipe, seed: int) -> "SubstituteFacts":
        """Return the facts of a training."""
        return cls(recipe, seed, victim.labels, victim.name)


def save_substitute(path: Path, state: SubstituteState, facts: SubstituteFacts) -> None:
    """Write a state to a .safetensors file, whole or not at all; folders are made.

    Raises `UserError` where it cannot be written.
    """
    flat = {name: value.contiguous() for name, value in state.tensors.items()}
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, save(flat, {"substitute": json.dumps(asdict(facts))}))
    except OSError as error:
        expected = "a file that can be written"
        raise UserError("out", expected=expected, got=f"{path} ({error.strerror})") from error


def load_substitute(path: str | Path) -> Classifier:
    """Return the network in a file (or in the folder that holds it) as a victim with gradients.

    Raises `UserError` for what is none, and for one that was stopped before it had learnt.
    """
    facts, tensors = read_substitute(path)
    fix = "go on with the training that was stopped"
    expected = "one that has learnt the first answers"
    check(float(tensors["counts"][0]) > 0, "substitute", expected=expected, got=path, fix=fix)
    size_px = facts.recipe.size_px
    network = build_network(facts.recipe.network, len(facts.labels), size_px, facts.seed)
    network.load_state_dict(weights_in(tensors))
    return as_victim(network, facts.labels, size_px)


def read_substitute(
    path: str | Path, wanted: SubstituteFacts | None = None
) -> tuple[SubstituteFacts, dict[str, Tensor]]:
    """Return the facts and the state's tensors of a file, or of the one in a folder.

    Raises `UserError` where it is none, or has other facts than `wanted`, but for the recipe's
    queries and rounds: these may change when a training goes on.
    """
    file = Path(path) / FILE if Path(path).is_dir() else Path(path)
    try:
        with safe_open(file, "pt") as content:
            told = json.loads((content.metadata() or {})["substitute"])
            tensors = {name: content.get_tensor(name) for name in content.keys()}  # noqa: SIM118  # no mapping
        recipe = SubstituteRecipe(**told["recipe"])
        facts = SubstituteFacts(recipe, told["seed"], tuple(told["labels"]), told["victim"])
    except (SafetensorError, OSError, KeyError, TypeError, ValueError) as error:
        expected = f"a folder or file made by physadv train substitute, {FILE}"
        reason = f"which is damaged ({type(error).__name__})" if file.exists() else "which is none"
        raise UserError("substitute", expected=expected, got=f"{file}, {reason}") from error
    if wanted is not None:
        _check_same(facts, wanted)
    return facts, tensors


def _check_same(old: SubstituteFacts, new: SubstituteFacts) -> None:
    was, now = ({**asdict(one), **asdict(one.recipe)} for one in (old, new))
    free = {"recipe", "queries", "rounds"}
    others = [
        f"{name} {now[name]!r} instead of {was[name]!r}" if name != "labels" else "other labels"
        for name in was.keys() - free
        if now[name] != was[name]
    ]
    expected, fix = "what the training began with", "give the same, or begin anew elsewhere"
    check(not others, "resume", expected=expected, got=", ".join(sorted(others)), fix=fix)
