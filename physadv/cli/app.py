"""The `physadv` command."""

from typing import Annotated

import typer

from physadv import __version__
from physadv.cli.attack import attack
from physadv.cli.attacks import attacks
from physadv.cli.audit import audit_command
from physadv.cli.benchmark import benchmark_command
from physadv.cli.chart import calibrate_command, chart
from physadv.cli.defences import defences
from physadv.cli.evaluate import evaluate, sheet
from physadv.cli.explain import explain_command
from physadv.cli.gan import gan
from physadv.cli.generate import demo, generate
from physadv.cli.patches import patches_app
from physadv.cli.plugins import plugins
from physadv.cli.preview import preview
from physadv.cli.quiz import quiz
from physadv.cli.score import score
from physadv.cli.show import console
from physadv.cli.train_robust import robust
from physadv.cli.victims import train_app, victims
from physadv.core.memory import keep_memory

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help=(
        "Find out whether a printed sticker can fool your own traffic-sign recogniser. "
        "For robustness tests of models you own; never put stickers on public roads."
    ),
)
for command in (demo, generate, evaluate, attack, attacks, preview, score, sheet, victims):
    app.command()(command)
app.command()(plugins)
app.command()(quiz)
app.command()(chart)
app.command("calibrate")(calibrate_command)
app.command("explain")(explain_command)
app.command("audit")(audit_command)
app.command("benchmark")(benchmark_command)
app.command()(defences)
train_app.command()(gan)
train_app.command()(robust)
app.add_typer(train_app, name="train")
app.add_typer(patches_app, name="patches")


def _version(wanted: bool) -> None:
    if wanted:
        console.print(f"physadv {__version__}")
        raise typer.Exit


@app.callback()
def main(
    version: Annotated[  # noqa: ARG001  # its callback acts on it
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Take the options that stand before any command."""
    keep_memory()
