"""What a step through print, scene and camera costs beside the bare network and beside peers."""

from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated, Any

import typer

from benchmarks import show
from benchmarks.cases import Case, chosen, network
from benchmarks.memory import peak_mib
from benchmarks.record import save as write
from benchmarks.rounds import Times, differences, measure, quartiles, ratios
from benchmarks.rows import BARE, BARE_FORWARD, FORWARD, names, prepared
from benchmarks.steps import WHOLE, effects
from physadv.core.check import one_of
from physadv.presets import NAMES

RESULTS = Path(__file__).parent / "results"
STREET = "street"


def main(
    also: Annotated[list[str] | None, typer.Option("--world", help="Another preset.")] = None,
    rounds: Annotated[int, typer.Option(min=1, help="Interleaved rounds.")] = 15,
    bundled: Annotated[bool, typer.Option("--bundled", help="The bundled recogniser too.")] = False,
    quick: Annotated[bool, typer.Option("--quick", help="A tiny network only.")] = False,
    last: Annotated[bool, typer.Option("--channels-last", help="Networks in that layout.")] = False,
    save: Annotated[bool, typer.Option("--save", help="Write the figures as JSON.")] = False,
    results: Annotated[Path, typer.Option(help="The folder of --save.")] = RESULTS,
) -> None:
    """Print step times, ratios to the bare step, peak memory and the cost of each effect.

    Networks are as torchvision makes them unless asked otherwise; freed memory is kept between
    steps, as the command line keeps it, for all rows alike.
    """
    worlds = list(dict.fromkeys([STREET, *(also or [])]))
    for name in worlds:
        one_of("world", name, NAMES)
    show.heading()
    weighed = [BARE] if quick else names(worlds)
    cases = [replace(c, channels_last=last) for c in chosen(quick=quick, with_bundled=bundled)]
    found = [report(case, worlds, rounds, weighed) for case in cases]
    if save:
        show.saved(write({"rounds": rounds, "cases": found}, results))


def report(case: Case, worlds: list[str], rounds: int, weighed: list[str]) -> dict[str, Any]:
    """Measure a case, print it, and return its figures; `weighed` rows with their memory."""
    try:
        built = network(case)
    except ImportError as error:
        show.missing(case, error)
        return {"case": asdict(case), "missing": str(error)}
    halves = [BARE_FORWARD, STREET + FORWARD]
    steps, absent = prepared(case, built, names(worlds) + halves)
    times = measure(steps, rounds, device=case.device, about=str(case))
    figures: dict[str, Any] = {
        "case": asdict(case),
        "rows": {row: _row(row, times) for row in names(worlds) if row in steps},
        "peak_mib": {row: peak_mib(case, row) for row in weighed if row in steps},
        "absent": absent,
        "milliseconds": times,
    }
    if STREET in steps:
        share = ratios(times, STREET + FORWARD, BARE_FORWARD)
        figures |= {"forward_share": quartiles(share), "effects": _effects(case, rounds, times)}
    show.case(case, figures)
    return figures


def _row(row: str, times: Times) -> dict[str, Any]:
    return {"ms": quartiles(times[row]), "ratio": quartiles(ratios(times, row, BARE))}


def _effects(case: Case, rounds: int, times: Times) -> dict[str, Any]:
    """Return what each effect of the street adds to the world's own step."""
    steps = effects(STREET, case, network(case))
    taken = measure(steps, rounds, device=case.device, about=f"{case}: effects")
    whole, step_ms = quartiles(taken[WHOLE]), quartiles(times[BARE])[1]
    cost = {name: quartiles(differences(taken, WHOLE, name)) for name in steps if name != WHOLE}
    share = {name: 100 * middle / step_ms for name, (_, middle, _) in cost.items()}
    return {"world_ms": whole, "cost_ms": cost, "share_pct": share, "milliseconds": taken}


if __name__ == "__main__":
    show.run(main)
