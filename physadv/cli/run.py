"""Run a design with bars, then show its card."""

from pathlib import Path

from rich.progress import Progress

from physadv.attacks import State
from physadv.cli.show import bar, console, show_card
from physadv.core import UserError
from physadv.design import Design
from physadv.output import Options, Watch, generate

STAGES = 10


class Bars:
    """The bars of a run: layouts raced, search, judging."""

    def __init__(self, progress: Progress, steps: int) -> None:
        """Begin with the race of layouts."""
        self.progress, self.steps = progress, steps
        self.place = progress.add_task("placing", total=None, note="")
        self.search = progress.add_task("searching", total=steps, note="", visible=False)
        self.judge = progress.add_task("judging", total=STAGES, note="", visible=False)

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
    """Generate into `out`, then print the card."""
    with bar() as progress:
        bars = Bars(progress, design.attack.steps * design.attack.restarts)
        watch = Watch(bars.layout, bars.state, bars.stage)
        try:
            finding, card = generate(design, out, options=options, watch=watch)
        except KeyboardInterrupt:
            how = f"go on with: physadv generate --resume --out {out}"
            console.print(f"stopped; what was found so far is kept in {out}; {how}")
            raise
    show_card(card, out)
    if finding.result.interrupted:
        console.print(
            f"stopped by hand after {finding.result.steps} steps; "
            f"go on with: physadv generate --resume --out {out}"
        )


def numbers(argument: str, text: str | None) -> tuple[float, ...]:
    """Read "5,8,10"; raises `UserError`."""
    if text is None:
        return ()
    try:
        return tuple(float(part) for part in text.split(","))
    except ValueError as error:
        raise UserError(argument, expected="numbers with commas", got=repr(text)) from error
