"""What it changes which conditions a search sees and how they count.

python -m benchmarks.expectation [--seeds 2] [--area 12]

The bundled recogniser, stop to its default target in `street`; one layout for all rows.
"""

from dataclasses import replace
from time import process_time
from typing import Annotated

import typer
from rich.table import Table

from benchmarks import show
from physadv.attacks import Expectation, Gradient
from physadv.design import build_patch, build_problem, build_victim, design_from, placed

ROWS = {
    "all alike": Expectation(),
    "the worst half": Expectation(tail_ratio=0.5),
    "the worst quarter": Expectation(tail_ratio=0.25),
    "the hardest of twice as many": Expectation(hardest_of=2),
    "mild first, for a third": Expectation(mild_ratio=1 / 3),
}


def main(
    seeds: Annotated[int, typer.Option(help="Searches of each row.")] = 2,
    area: Annotated[float, typer.Option(help="Per cent of the face.")] = 12.0,
    steps: Annotated[int, typer.Option(help="Steps of each search.")] = 200,
    n: Annotated[int, typer.Option(help="Conditions each result is judged on.")] = 500,
) -> None:
    """Search and judge each row `seeds` times; print success, pictures asked and CPU time."""
    show.heading()
    goal = {"target": "Speed limit (80km/h)"}
    design = design_from(
        {"goal": goal, "sticker": {"area_pct": area}, "world": {"preset": "street"}}
    )
    victim = build_victim(design)
    design = placed(design, build_problem(design, victim))
    problem = replace(build_problem(design, victim), patch=build_patch(design))
    table = Table(f"{area:g} %, {steps} steps", "success", "worst control", "pictures", "CPU s")
    for name, how in ROWS.items():
        begun = process_time()
        attack = Gradient(steps=steps, expectation=how)
        found = [attack(problem, seed=seed, n=n) for seed in range(seeds)]
        spent = (process_time() - begun) / seeds
        reports = [result.report for result in found]
        each = ", ".join(str(one.success) for one in reports)
        worst = max(control.share for one in reports for control in one.controls.values())
        asked = sum(result.queries for result in found) // seeds
        table.add_row(name, each, f"{100 * worst:.1f} %", str(asked), f"{spent:.0f}")
        show.console.print(f"{name}: {each}")
    show.console.print(table)


if __name__ == "__main__":
    show.run(main)
