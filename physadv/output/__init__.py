"""What leaves the house: the print sheet, the cut file, the report."""

from physadv.output.artwork import Artwork
from physadv.output.card import Finding, make_card, write_card
from physadv.output.cut_svg import write_cut_svg
from physadv.output.folder import (
    load_state,
    open_folder,
    read_folder,
    save_state,
    write_folder,
    write_sheets,
)
from physadv.output.generate import Options, Watch, default_grid, generate, today
from physadv.output.page import report_page
from physadv.output.paper import PAPERS
from physadv.output.pictures import patch_picture, sign_picture
from physadv.output.report import write_report
from physadv.output.sheet import write_sheet

__all__ = [
    "PAPERS",
    "Artwork",
    "Finding",
    "Options",
    "Watch",
    "default_grid",
    "generate",
    "load_state",
    "make_card",
    "open_folder",
    "patch_picture",
    "read_folder",
    "report_page",
    "save_state",
    "sign_picture",
    "today",
    "write_card",
    "write_cut_svg",
    "write_folder",
    "write_report",
    "write_sheet",
    "write_sheets",
]
