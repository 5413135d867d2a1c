"""The letters and digits of the signs as pen strokes, after DIN 1451-2 and FHWA Series C."""

from physadv.scene.signs.lettering import Alphabet, Glyph, Stroke

_ZERO = Stroke(((0, 0, 1), (1, 0, 1), (1, 1, 1), (0, 1, 1)), closed=True)

_DIGITS: dict[str, tuple[Stroke, ...]] = {
    "0": (_ZERO,),
    "1": (Stroke(((1, -1), (1, 2))), Stroke(((-0.4, 0.24), (1.1, 0.0)))),
    "2": (Stroke(((0, 0.3), (0, 0, 1), (1, 0, 1), (1, 0.42, 2), (0, 1), (2, 1))),),
    "3": (
        Stroke(((0, 0.25), (0, 0, 1), (0.96, 0, 1), (0.96, 0.46, 1), (0.35, 0.46))),
        Stroke(((0.35, 0.46), (1, 0.46, 1), (1, 1, 1), (0, 1, 1), (0, 0.76))),
    ),
    "5": (
        Stroke(((2, 0), (0.06, 0), (0.03, 0.46))),
        Stroke(((0.02, 0.49), (0.16, 0.37, 1), (1, 0.37, 1), (1, 1, 1), (0, 1, 1), (0, 0.77))),
    ),
    "6": (
        Stroke(((0, 0.43, 1), (1, 0.43, 1), (1, 1, 1), (0, 1, 1)), closed=True),
        Stroke(((0.8, -0.2), (0, 0.57, 2), (0, 0.75))),
    ),
    "7": (Stroke(((-1, 0), (1, 0), (0.17, 1.3))),),
    "8": (
        Stroke(((0.06, 0, 1), (0.94, 0, 1), (0.94, 0.46, 1), (0.06, 0.46, 1)), closed=True),
        Stroke(((0, 0.46, 1), (1, 0.46, 1), (1, 1, 1), (0, 1, 1)), closed=True),
    ),
}

_LETTERS: dict[str, tuple[Stroke, ...]] = {
    "S": (
        Stroke(
            (
                *((1, 0.25), (1, 0, 1), (0, 0, 1), (0, 0.43, 1)),
                *((1, 0.55, 1), (1, 1, 1), (0, 1, 1), (0, 0.75)),
            )
        ),
    ),
    "T": (Stroke(((-1, 0), (2, 0))), Stroke(((0.5, 0), (0.5, 2)))),
    "O": (_ZERO,),
    "P": (Stroke(((0, -1), (0, 2))), Stroke(((0, 0), (1, 0, 1), (1, 0.54, 1), (0, 0.54)))),
}

MEDIUM = Alphabet(
    pen=0.147,
    gap=0.12,
    glyphs={digit: Glyph(0.57, strokes) for digit, strokes in _DIGITS.items()},
    gaps={"70": 0.09},
)
"""DIN 1451 Mittelschrift, digits."""

NARROW = Alphabet(
    pen=0.147,
    gap=0.11,
    glyphs={digit: Glyph(0.43, strokes) for digit, strokes in _DIGITS.items()}
    | {"1": Glyph(0.3, _DIGITS["1"])},
    gaps={},
)
"""DIN 1451 Engschrift, digits."""

STOP = Alphabet(
    pen=0.16,
    gap=0.1,
    glyphs={letter: Glyph(0.52, strokes) for letter, strokes in _LETTERS.items()}
    | {"T": Glyph(0.5, _LETTERS["T"])},
    gaps={"ST": 0.06, "TO": 0.09, "OP": 0.15},
)
"""The capitals of German sign 206."""

_SERIES_C: dict[str, tuple[Stroke, ...]] = {
    "S": (
        Stroke(
            (
                *((0.96, 0.26), (0.96, 0.13, 9), (0.74, 0, 9), (0.28, 0, 9), (0.03, 0.13, 9)),
                *((0.03, 0.3, 9), (1, 0.64, 9), (1, 0.86, 9), (0.73, 1, 9), (0.27, 1, 9)),
                *((0, 0.86, 9), (0, 0.71)),
            )
        ),
    ),
    "T": _LETTERS["T"],
    "O": (
        Stroke(
            (
                *((0.26, 0, 9), (0.74, 0, 9), (1, 0.24, 9), (1, 0.76, 9)),
                *((0.74, 1, 9), (0.26, 1, 9), (0, 0.76, 9), (0, 0.24, 9)),
            ),
            closed=True,
        ),
    ),
    "P": (Stroke(((0, -1), (0, 2))), Stroke(((0, 0), (1, 0, 1), (1, 0.48, 1), (0, 0.48)))),
}

_SERIES_C_WIDTHS = {"S": 0.54, "T": 0.49, "O": 0.56, "P": 0.56}

HIGHWAY = Alphabet(
    pen=0.145,
    gap=0.1,
    glyphs={letter: Glyph(_SERIES_C_WIDTHS[letter], s) for letter, s in _SERIES_C.items()},
    gaps={"ST": 0.05, "TO": 0.09, "OP": 0.13},
)
"""The capitals of the US stop sign, FHWA Standard Alphabets Series C."""
