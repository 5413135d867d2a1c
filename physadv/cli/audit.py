"""`physadv audit`: does a defence withstand attacks that know it?"""

from pathlib import Path
from typing import Annotated

from rich.table import Table

from physadv.attacks.digital import settings_of
from physadv.attacks.digital.named import read_eps
from physadv.cli.attack_runs import read_pairs
from physadv.cli.options import (
    LOCAL,
    VICTIM,
    ForceOption,
    LabelsOption,
    OutOption,
    SizeOption,
    option,
)
from physadv.cli.show import bar, console, polite
from physadv.core import Rate
from physadv.defences.named import find_defence
from physadv.evaluation import Audited, Plan, audit_defence, read_pictures
from physadv.output import check_attacked, write_audited
from physadv.victims import load_beside, load_victim

TRIED = "How hard is tried"


@polite
def audit_command(
    images: Annotated[
        Path, option("DIR|CSV|FILE", "A table .csv with the columns file and label, or a folder.")
    ],
    defence: Annotated[
        str | None,
        option(
            "NAME",
            "jpeg, median, feature-squeezing, …; physadv defences lists them; or file.py:function "
            "that returns a defence. Without one the victim itself is audited.",
        ),
    ] = None,
    settings: Annotated[
        list[str] | None,
        option("NAME=VALUE", "A setting of the defence; may be repeated.", None, "--set"),
    ] = None,
    victim: Annotated[str, option("SPEC", f"{LOCAL}.", VICTIM)] = "bundled",
    undefended: Annotated[
        str | None,
        option(
            "SPEC",
            "What a victim that was hardened by training is compared with, of the same classes; "
            "without it the victim without --defence.",
            VICTIM,
        ),
    ] = None,
    labels: LabelsOption = None,
    size_px: SizeOption = None,
    truth: Annotated[
        str | None, option("CLASS", "What all the images show, where no table says it.")
    ] = None,
    eps: Annotated[str, option("EPS", "Largest change of a value.", TRIED)] = "8/255",
    steps: Annotated[
        int, option("N", "Steps of each search; twice as many in the adaptive one.", TRIED, min=1)
    ] = 20,
    restarts: Annotated[int, option("N", "Searches from random points.", TRIED, min=1)] = 3,
    averaged: Annotated[
        int, option("N", "Answers averaged in a step where they are random.", TRIED, min=1)
    ] = 8,
    queries: Annotated[
        int, option("N", "Answers an image for attacks that only ask; 0: none.", TRIED, min=0)
    ] = 300,
    seed: Annotated[int, option("N", "Same seed, same machine: same verdict.")] = 0,
    out: OutOption = Path("physadv-audit"),
    force: ForceOption = False,
) -> None:
    """Climb a ladder of attacks against a defence, and say whether it holds.

    Noise, a single step, many steps, restarts, an attack that knows the defence, attacks by scores
    and by labels alone, images made on the victim undefended, a larger and a boundless budget: the
    verdict is "broken" where no more images withstand than undefended, "doubtful" where the
    attacks contradict one another (masked gradients), else "holds so far". Leaves audit.json,
    attack.html and the images in --out.

    Examples:

    physadv audit --images table.csv --defence jpeg --set quality=50 --eps 4/255

    physadv audit --images table.csv --defence my.py:magnet

    physadv audit --images table.csv --victim pgd.safetensors --undefended bundled
    """
    check_attacked(out, force=force)
    plan = Plan(read_eps(eps), steps, restarts, averaged, queries)
    made = None if defence is None else find_defence(defence, read_pairs(settings or []))
    file = None if labels is None else Path(labels)
    known = load_victim(victim, labels=file, size_px=size_px)
    defended = known if made is None else made(known)
    plain = None if made is None else known
    if undefended is not None:
        plain = load_beside(undefended, known)
    pictures = read_pictures(images, known, truth)
    with bar() as progress:
        task = progress.add_task("auditing", total=1.0, note=f"{len(pictures.files)} images")

        def tick(name: str, share: float) -> None:
            progress.update(task, completed=share, note=name)

        found = audit_defence(
            defended,
            pictures,
            plan,
            undefended=plain,
            seed=seed,
            tick=tick,
        )
    tried = {name: getattr(plan, name) for name in settings_of(plan)}
    write_audited(out, found, defended, {"seed": seed, "plan": tried})
    _show(found)
    console.print(f"kept in {out}: open {out / 'attack.html'}", markup=False, soft_wrap=True)


def _show(found: Audited) -> None:
    table = Table(box=None, pad_edge=False)
    for name in ("attack", "needs", "success", "95 % interval"):
        table.add_column(name, justify="right" if name == "success" else "left")
    for run in found.runs:
        table.add_row(run.told, str(run.needs), *_said(run.success))
    console.print(table)
    rates = {"read right, not attacked": found.clean, "withstand all of the budget": found.robust}
    rates |= {} if found.blind is None else {"withstand what does not know it": found.blind}
    rates |= {} if found.plain is None else {"withstand undefended": found.plain}
    for name, rate in rates.items():
        console.print(f"  {name:<32} {rate}", markup=False)
    if found.gain is not None:
        console.print(f"  {'gained, in points':<32} {found.gain}", markup=False)
    for doubt in found.doubts:
        console.print(f"doubt: {doubt}", style="yellow", markup=False)
    console.print(f"verdict: {found.verdict}", style="bold", markup=False)


def _said(rate: Rate) -> tuple[str, str]:
    return f"{rate.hits}/{rate.n}", f"{100 * rate.low:.1f}-{100 * rate.high:.1f} %"
