"""Judge stickers of a result's folder in the street: by distance and yaw. `--quick`: seconds."""

import sys
from pathlib import Path

from physadv.core import spawn
from physadv.design import build_problem, build_victim
from physadv.evaluation import success_grid
from physadv.judge import judge
from physadv.output import read_folder

quick = "--quick" in sys.argv
folders = [Path(word) for word in sys.argv[1:] if word != "--quick"]
folder = folders[0] if folders else Path("physadv-out")  # made by physadv demo

design, theta = read_folder(folder)
street = design.changed("world", preset="street")
problem = build_problem(street, build_victim(street))

report = judge(problem, theta, seed=spawn(1, "street"), n=20 if quick else 500)
print(f"in the street: {report.success}, bare sign: {report.clean}")

axes = {
    "scene.pose.distance_m": (4.0, 8.0, 12.0, 16.0),
    "scene.pose.yaw_deg": (-40.0, 0.0, 40.0),
}
grid = success_grid(problem, theta, axes, each=1 if quick else 25, seed=1)
distances, yaws = axes.values()
print("yaw \\ m  " + "".join(f"{distance:>8g}" for distance in distances))
for yaw, row in zip(yaws, grid.table(), strict=True):
    print(f"{yaw:>8g} " + "".join(f"{rate.hits:>4}/{rate.n:<3}" for rate in row))
