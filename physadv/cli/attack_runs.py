"""Which attacks `physadv attack` is asked for, and how they run one after another."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from physadv.attacks.digital import DigitalAttack, Needs
from physadv.attacks.digital.named import (
    eps_name,
    find_attack,
    needs_of,
    norm_of,
    read_eps,
    settings_known,
)
from physadv.cli.show import bar
from physadv.core import UserError, check
from physadv.evaluation import Pictures, Run, attack_pictures
from physadv.objectives import Objective
from physadv.victims import UNANSWERED, Victim


@dataclass(frozen=True, eq=False)
class Planned:
    """An attack that is to run: its name, eps if it has one, settings as texts, itself."""

    name: str
    eps: float | None
    settings: dict[str, str]
    attack: DigitalAttack

    @property
    def needs(self) -> Needs | None:
        """What it must be told, None where that is not known."""
        return needs_of(self.name, self.attack)


def plan(names: Sequence[str], eps: Sequence[str], settings: Sequence[str]) -> list[Planned]:
    """Return the attacks: each name with each eps, once where it takes none; raises `UserError`.

    Of several attacks each takes of the settings those that it knows.
    """
    given, found = read_pairs(settings), list[Planned]()
    sizes = [read_eps(text) for text in eps]
    check(not (sizes and "eps" in given), "eps", expected="--eps or --set eps", got="both")
    for name in dict.fromkeys(names):
        known = settings_known(name) if len(names) > 1 else None
        own = {k: text for k, text in given.items() if known is None or k in known}
        word = eps_name(name) if eps or "eps" in own else None
        for text in eps if eps and word else [None]:
            full = own if text is None else own | {word or "eps": text}
            made = find_attack(name, full)
            told = full if text is None else own | {"eps": text}
            value = told.get("eps") if word else None
            found.append(Planned(name, None if value is None else read_eps(value), told, made))
    used = {key for one in found for key in one.settings}
    for key in given:
        check(key in used, "set", expected="a setting of one of the attacks", got=key)
    taken = not eps or "eps" in used
    check(taken, "eps", expected="an attack that takes one", got=", ".join(names))
    return found


def run_all(
    victim: Victim,
    plans: Sequence[Planned],
    pictures: Pictures,
    objective: tuple[Objective, int | None],
    *,
    seed: int,
    batch: int,
) -> list[Run]:
    """Run the attacks, each with its bar. Ctrl-C keeps those, and whole batches, that are done.

    So does a remote victim that fails, or whose budget ends.
    """
    runs = list[Run]()
    with bar() as progress:
        for one in plans:
            note = f"{len(pictures.files)} images" + (f", {one.name}" if len(plans) > 1 else "")
            task = progress.add_task("attacking", total=1.0, note=note)

            def tick(share: float, task: object = task) -> None:
                progress.update(task, completed=share)  # type: ignore[arg-type]  # rich's own id

            try:
                found = attack_pictures(
                    victim, one.attack, pictures, objective, seed=seed, watch=(batch, tick)
                )
            except (KeyboardInterrupt, *UNANSWERED) as error:
                if not runs:
                    raise
                fault = error if isinstance(error, UserError) else None
                last = replace(runs[-1].found, interrupted=True, fault=fault)
                return [*runs[:-1], replace(runs[-1], found=last)]
            norm = norm_of(one.name, one.attack)
            runs.append(Run(one.name, one.eps, found, one.settings, one.needs, norm))
            if found.interrupted:
                break
    return runs


def read_pairs(settings: Sequence[str]) -> dict[str, str]:
    """Read NAME=VALUE, each name once; raises `UserError`."""
    pairs = [text.partition("=") for text in settings]
    for (key, equals, value), text in zip(pairs, settings, strict=True):
        check(bool(key and equals and value), "set", expected="NAME=VALUE", got=repr(text))
    found = {key.strip(): value.strip() for key, _, value in pairs}
    if len(found) < len(pairs):
        raise UserError("set", expected="each name once", got=" ".join(settings))
    return found
