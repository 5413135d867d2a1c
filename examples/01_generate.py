"""From a design to a folder with sheet, pictures, card and report. `--quick` takes seconds."""

import sys
from pathlib import Path
from typing import Any

from physadv.design import design_from
from physadv.output import Options, Watch, generate

quick = "--quick" in sys.argv
folders = [Path(word) for word in sys.argv[1:] if word != "--quick"]
folder = folders[0] if folders else Path("example-out")

# Every setting has a default; `physadv.design.Design` says them all, design.toml holds them.
settings: dict[str, Any] = {
    "name": "example",
    "sign": "stop",
    "goal": {"target": "Speed limit (80km/h)"},
    "sticker": {"area_pct": 12.0, "pieces": 6},
}
if quick:
    settings |= {"judged": 20, "attack": {"steps": 5, "batch": 4}}
    settings["sticker"] = {"area_pct": 12.0, "pieces": 6, "layout": "middle"}

watch = Watch(
    layout=lambda name, loss: print(f"layout {name}: loss {loss:.2f}"),
    state=lambda state: print(f"step {state.step}: success {100 * state.success:.0f} %"),
)
finding, card = generate(design_from(settings), folder, options=Options(force=True), watch=watch)

print(f"{card['goal']}: {finding.result.report.success}")
for name, rate in finding.result.report.controls.items():
    print(f"  control {name}: {rate}")
for doubt in finding.result.doubts:
    print(f"  doubt: {doubt}")
print(f"open {folder / 'report.html'}")
