"""`physadv attacks`: all digital attacks, ours and those of the installed frameworks."""

from collections.abc import Iterator
from typing import Annotated

from rich.table import Table

from physadv.attacks.digital import About, Framework
from physadv.attacks.digital.named import OWN, plugins_found
from physadv.attacks.digital.substitute import Transfer
from physadv.cli.options import option
from physadv.cli.show import console, polite
from physadv.core.check import one_of

NEEDS = ("gradients", "scores", "labels", "nothing")


@polite
def attacks(
    needs: Annotated[
        str | None,
        option("KNOWLEDGE", "Only those that need this: gradients, scores, labels or nothing."),
    ] = None,
    norm: Annotated[
        str | None, option("NORM", "Only those that keep this small: inf, 2, 1, 0, SSIM, …")
    ] = None,
) -> None:
    """List all digital attacks: ours, and those of the installed frameworks.

    For each the name that physadv attack --attack has for it, what it must know of a victim
    (gradients: a white box; scores; labels: what is read; or nothing), what it keeps small, and
    where it was published.

    Example:

    physadv attacks --needs labels --norm 2
    """
    if needs is not None:
        one_of("needs", needs, NEEDS)
    table = Table(box=None, pad_edge=False)
    for name in ("attack", "needs", "keeps small", "source"):
        table.add_column(name, overflow="fold")
    count = 0
    for one in told():
        fits = norm is None or norm.lower() in one.norm.lower().split(", ")
        if fits and needs in (None, one.needs):
            table.add_row(one.name, one.needs, one.norm, one.source)
            count += 1
    console.print(table)
    console.print(
        f"{count} attacks; their settings: physadv plugins, or a wrong --set", markup=False
    )


def told() -> Iterator[About]:
    """Yield what each attack says of itself, by the name that --attack has for it."""
    yield from (kind.about for kind in OWN.values())
    yield Transfer.about
    for name, plugin in plugins_found():
        known = plugin.abouts if isinstance(plugin, Framework) else {}
        for attack in plugin.attacks():
            one = known.get(attack)
            rest = (
                ("?", "not told", "not told") if one is None else (one.needs, one.norm, one.source)
            )
            yield About(f"{name}:{attack}", *rest)  # type: ignore[arg-type]  # "?" where a plugin does not say
