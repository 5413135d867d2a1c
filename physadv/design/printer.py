"""From a design to its printer."""

from physadv.design.model import Design
from physadv.printing import Printer, read_profile


def build_printer(design: Design) -> Printer:
    """Return the printer of the design: the one of its profile, or of none in particular."""
    path = design.world.printer
    return Printer() if path is None else Printer.of(read_profile(path))
