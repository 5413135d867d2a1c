"""What leaves the house: the print sheet, the cut file."""

from physadv.output.artwork import Artwork
from physadv.output.cut_svg import write_cut_svg
from physadv.output.paper import PAPERS
from physadv.output.sheet import write_sheet

__all__ = ["PAPERS", "Artwork", "write_cut_svg", "write_sheet"]
