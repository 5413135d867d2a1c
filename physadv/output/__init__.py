"""What leaves the house: the print sheet, the cut file, the report."""

from physadv.core.papers import PAPERS
from physadv.output.artwork import Artwork
from physadv.output.attack_page import all_doubts
from physadv.output.attacked import check_attacked, write_attacked
from physadv.output.audited import write_audited
from physadv.output.card import Finding, Sized, make_card, write_card
from physadv.output.colour_chart import write_chart
from physadv.output.contact_sheet import Strip, contact_sheet_image, write_contact_sheet
from physadv.output.cut_svg import write_cut_svg
from physadv.output.folder import check_folder, read_folder
from physadv.output.generate import Options, Watch, default_grid, generate, today
from physadv.output.light import light_words
from physadv.output.page import report_page
from physadv.output.pictures import patch_picture, sign_picture
from physadv.output.report import write_report
from physadv.output.sheet import write_sheet
from physadv.output.shelf import Kept, find_kept, keep, read_kept, shelf_folder, shelved
from physadv.output.state import Saved, load_state, save_state
from physadv.output.verify import Comparison, verify
from physadv.output.write import write_folder, write_sheets

__all__ = [
    "PAPERS",
    "Artwork",
    "Comparison",
    "Finding",
    "Kept",
    "Options",
    "Saved",
    "Sized",
    "Strip",
    "Watch",
    "all_doubts",
    "check_attacked",
    "check_folder",
    "contact_sheet_image",
    "default_grid",
    "find_kept",
    "generate",
    "keep",
    "light_words",
    "load_state",
    "make_card",
    "patch_picture",
    "read_folder",
    "read_kept",
    "report_page",
    "save_state",
    "shelf_folder",
    "shelved",
    "sign_picture",
    "today",
    "verify",
    "write_attacked",
    "write_audited",
    "write_card",
    "write_chart",
    "write_contact_sheet",
    "write_cut_svg",
    "write_folder",
    "write_report",
    "write_sheet",
    "write_sheets",
]
