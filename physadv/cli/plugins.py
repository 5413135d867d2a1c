"""`physadv plugins`: the frameworks whose attacks can run, and what each brings."""

from rich.padding import Padding

from physadv.attacks.digital import Framework
from physadv.attacks.digital.named import OWN, TRANSFER, load_plugin, own_settings, plugin_points
from physadv.cli.show import console, polite
from physadv.core import UserError


@polite
def plugins() -> None:
    """List the frameworks whose attacks physadv attack can run, and what each brings.

    Plugins are entry points of the group physadv.plugins of whatever is installed; one whose
    framework is missing says what to install.
    """
    console.print(f"physadv itself: --attack {' | '.join([*OWN, TRANSFER])}", markup=False)
    for name, kind in OWN.items():
        told = f"{name} --set: {', '.join(own_settings(kind))}"
        console.print(Padding(told, (0, 0, 0, 2)))
    told = f"{TRANSFER} --set: substitute (DIR, or DIR,DIR), attack, and that attack's own"
    console.print(Padding(told, (0, 0, 0, 2)))
    for point in plugin_points().values():
        try:
            plugin = load_plugin(point)
        except UserError as error:
            console.print(f"{point.name}: not usable ({error.got}); {error.fix}", markup=False)
            continue
        names = plugin.attacks()
        told = f"{plugin.about}, {len(names)} attacks: --attack {point.name}:NAME"
        console.print(f"{point.name}: {told}", markup=False)
        console.print(Padding(", ".join(names), (0, 0, 0, 2)))
        if isinstance(plugin, Framework) and plugin.black_box:
            able = ", ".join(sorted(plugin.black_box))
            console.print(Padding(f"of these, on black boxes too: {able}", (0, 0, 0, 2)))
