"""The contract of defences: a victim in, a victim out, and the first as it was."""

import torch

from physadv.core import Answer, Encoded, UserError
from physadv.defences import REJECTED, Defence, Defended
from physadv.testing.contract import hold
from physadv.testing.victim import check_victim, images, state_of
from physadv.victims import Victim


def check_defence(
    defence: Defence, victim: Victim, *, other: Victim | None = None, chance: bool = False
) -> Defended:
    """Raise `ContractError` at the first clause that `defence` breaks; return what it made.

    What it makes keeps the contract of victims (see `check_victim`; with `chance` a batch need not
    be its rows one by one), in calls that each follow a `reset`. Its labels are those of the
    victim, and at most `rejected` beside them; the victim stays as it was and is found as
    `undefended`; without `chance` a second call gets the answer of the first, with it another; the
    `other` kind of victim, a detector of objects or a classifier, is refused with UserError.
    """
    before = state_of(victim)
    made = defence(victim)
    hold(made.undefended is victim, "the victim is found as `undefended`")
    known = (victim.labels, (*victim.labels, REJECTED))
    hold(made.labels in known, "labels are the victim's, and `rejected` at most", made.labels)
    hold(made.name != victim.name, "the name says that it is defended", made.name)
    check_victim(_Fresh(made), rows=not chance)
    if chance:
        _check_chance(made)
    after = state_of(victim)
    same = before.keys() == after.keys() and all(torch.equal(before[n], after[n]) for n in before)
    hold(same, "the victim stays as it was")
    if other is not None:
        _check_refused(defence, other)
    return made


class _Fresh:
    """A defended victim of which every call is the first."""

    def __init__(self, made: Defended) -> None:
        self.made, self.name, self.labels = made, made.name, made.labels
        self.size_px, self.differentiable = made.size_px, made.differentiable
        self.module = getattr(made.undefended, "module", None)

    @property
    def queries(self) -> int:
        return self.made.queries

    def __call__(self, images: Encoded) -> Answer:
        self.made.reset()
        return self.made(images)

    def label(self, name_or_index: str | int) -> int:
        return self.made.label(name_or_index)


def _check_chance(made: Defended) -> None:
    batch = images(2, made.size_px)
    made.reset()
    one, other = made(batch).scores, made(batch).scores
    hold(not torch.equal(one, other), "each call has a chance of its own")
    made.reset()
    hold(torch.equal(made(batch).scores, one), "after a reset it comes again")


def _check_refused(defence: Defence, other: Victim) -> None:
    try:
        defence(other)
    except UserError:
        return
    hold(False, "the other kind of victim is refused with UserError", other.name)
