"""`physadv defences`: what there is, and what each takes."""

from dataclasses import fields

from rich.table import Table

from physadv.cli.show import console, polite
from physadv.defences.named import OWN, made_of_defaults


@polite
def defences() -> None:
    """List the defences, what they do to a victim, their settings and where they were published.

    Input: changes what is asked; output: what is told; detector: refuses to tell; smoothing: asks
    about many variants. Those that are given a network of their own are made in a Python file:
    physadv audit --defence file.py:function.

    Example:

    physadv defences
    """
    table = Table(box=None, pad_edge=False)
    for name in ("defence", "kind", "--set", "source"):
        table.add_column(name, overflow="fold")
    for name, kind in OWN.items():
        told = ", ".join(one.name for one in fields(kind))
        given = "" if made_of_defaults(kind) else " (from Python)"
        table.add_row(f"{name}{given}", kind.about.kind, told, kind.about.source)
    console.print(table)
