"""Run a design with bars, then show its card; say how to go on after Ctrl-C."""

from pathlib import Path

import typer
from rich.progress import Progress

from physadv.attacks import State
from physadv.cli.show import bar, errors, show_card
from physadv.design import Design
from physadv.output import Options, Watch, generate
from physadv.output.folder import STATE

STAGES = 10
STOPPED = 130
"""Exit code after Ctrl-C, as shells have it."""


class Bars:
    """The bars of a run: layouts raced, search, judging."""

    def __init__(self, progress: Progress) -> None:
        """Show nothing yet."""
        self.progress, self.steps = progress, 1
        self.place = progress.add_task("placing", total=None, note="", visible=False)
        self.search = progress.add_task("searching", total=1, note="", visible=False)
        self.judge = progress.add_task("judging", total=STAGES, note="", visible=False)

    def begin(self, design: Design) -> None:
        """Start over for one design of a run."""
        self.steps = design.attack.length
        self.progress.reset(self.place, total=None, note=design.name, visible=True)
        self.progress.reset(self.search, total=self.steps, note="", visible=False)
        self.progress.reset(self.judge, total=STAGES, note="", visible=False)

    def layout(self, name: str, loss: float) -> None:
        """Show a raced layout."""
        self.progress.update(self.place, note=f"{name}: loss {loss:.2f}")

    def state(self, state: State) -> None:
        """Show where the search stands."""
        self.progress.update(self.place, total=1, completed=1, note="")
        note = f"loss {state.loss:.2f}, success {100 * max(0.0, state.success):.0f} %"
        self.progress.update(
            self.search, completed=round(state.done * self.steps), note=note, visible=True
        )

    def stage(self, name: str) -> None:
        """Show a stage of judging."""
        if name == "sticker":
            self.progress.update(self.search, completed=self.steps)
            self.progress.reset(self.judge, total=STAGES)
        self.progress.update(self.judge, advance=1, note=name, visible=True)
        if name == "writing":
            self.progress.update(self.judge, completed=STAGES, note="")


def run(design: Design, out: Path, options: Options) -> None:
    """Generate into `out`, then print the card. Exits with 130 after Ctrl-C."""
    before = _stamp(out / STATE)
    again = f"physadv generate --resume --out {_quoted(out)}"
    again += "" if options.paper == "A4" else f" --paper {options.paper}"
    try:
        with bar() as progress:
            bars = Bars(progress)
            watch = Watch(bars.begin, bars.layout, bars.state, bars.stage)
            finding, card = generate(design, out, options=options, watch=watch)
    except KeyboardInterrupt as error:
        errors.print(f"physadv: stopped; {_kept(out, before, again)}", style="yellow", markup=False)
        raise typer.Exit(STOPPED) from error
    show_card(card, out)
    if finding.result.interrupted:
        told = f"stopped by hand after {finding.result.steps} steps; go on with: {again}"
        errors.print(f"physadv: {told}", style="yellow", markup=False)
        raise typer.Exit(STOPPED)


def _stamp(path: Path) -> tuple[int, int] | None:
    """Return what changes when a file is replaced."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_ino


def _kept(out: Path, before: tuple[int, int] | None, again: str) -> str:
    now = _stamp(out / STATE)
    if now is None or now == before:
        return "nothing was found yet, nothing was written"
    return f"what the search found is kept in {out / STATE}; go on with: {again}"


def _quoted(path: Path) -> str:
    return f'"{path}"' if " " in str(path) else str(path)
