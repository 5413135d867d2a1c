"""Scoring of real photos: the sign found, its pose and light measured, the victim asked."""

from physadv.scoring.find import Find, find
from physadv.scoring.light import Lit
from physadv.scoring.pattern import Pattern, pattern
from physadv.scoring.photograph import Photograph, read_photograph
from physadv.scoring.pose import Seen, measure
from physadv.scoring.score import Scorer, score_photo, score_photos
from physadv.scoring.scored import BARE, STICKERS, Bin, Scored, Tally, tally
from physadv.scoring.sheet import Fiducials, Sheet, find_sheet
from physadv.scoring.source import Source, sources

__all__ = [
    "BARE",
    "STICKERS",
    "Bin",
    "Fiducials",
    "Find",
    "Lit",
    "Pattern",
    "Photograph",
    "Scored",
    "Scorer",
    "Seen",
    "Sheet",
    "Source",
    "Tally",
    "find",
    "find_sheet",
    "measure",
    "pattern",
    "read_photograph",
    "score_photo",
    "score_photos",
    "sources",
    "tally",
]
