"""The contract of framework plugins: named attacks of theirs on victims of ours."""

from collections.abc import Callable, Mapping

import torch

from physadv.attacks.digital import Plugin, Rows
from physadv.core import Encoded, UserError
from physadv.objectives import cross_entropy, targeted, untargeted
from physadv.testing.contract import hold, near, no_chance_from_outside
from physadv.testing.digital import N, check_left, check_made
from physadv.testing.victim import images, state_of
from physadv.victims import Victim


def check_plugin(
    plugin: Plugin,
    victim: Victim,
    name: str,
    settings: Mapping[str, object],
    *,
    seeded: bool = True,
) -> Encoded:
    """Raise `ContractError` at the first clause that `plugin` breaks; return what an attack made.

    It says in a line what it is; names are sorted and those it has are taken; unknown names and
    settings, and goals other than labels, are refused with `UserError`. The attack `name` with
    `settings` keeps shape and type and [0,1]; images, victim and the global generator are left as
    they were; the same seed gives the same images, unless `seeded` is False.
    """
    about, names = plugin.about, list(plugin.attacks())
    hold(bool(about) and "\n" not in about, "a plugin says in a line what it is", about)
    hold(names == sorted(set(names)) and name in names, "names are sorted, each once", names)
    _refused(lambda: plugin.attack("no such attack", {}), "unknown attacks are refused")
    _refused(lambda: plugin.attack(name, {"no such setting": 1}), "unknown settings are refused")
    batch = images(N, victim.size_px)
    kept, before = batch.clone(), state_of(victim)
    with torch.no_grad():
        rows = Rows(labels=victim(batch).best)
    attack, goal = plugin.attack(name, settings), untargeted(cross_entropy)
    with no_chance_from_outside("an attack leaves the global generator as it was"):
        made = attack(victim, batch, goal, rows=rows, seed=3)
    check_made(made, batch)
    hold(torch.equal(batch, kept), "the images given are not written to")
    check_left(before, state_of(victim))
    if seeded:
        again = attack(victim, batch, goal, rows=rows, seed=3)
        near(again, made, "the same seed, the same images", 0)
    other = targeted(0, cross_entropy)
    _refused(lambda: attack(victim, batch, other, rows=rows), "other goals are refused")
    return made


def _refused(call: Callable[[], object], clause: str) -> None:
    try:
        call()
    except UserError:
        return
    hold(False, f"{clause} with UserError")
