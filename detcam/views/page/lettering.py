"""Text on a page: fonts with fallbacks, measured widths, and names that cannot act as markup."""

from collections.abc import Iterable
from functools import lru_cache

from matplotlib.font_manager import FontProperties, findfont, fontManager
from matplotlib.ft2font import FT2Font

FONT = "DejaVu Sans"  # ships with Matplotlib, so that figures look alike everywhere
FALLBACKS = ("Noto Sans CJK SC", "Noto Sans CJK JP", "Noto Sans", "WenQuanYi Zen Hei", "Microsoft YaHei", "PingFang SC",
             "Hiragino Sans", "Arial Unicode MS", "Segoe UI", "Noto Sans Arabic", "Noto Sans Devanagari")
POINTS = 72.0  # points an inch
HINTING = 1.02  # what rounding to whole pixels can add to a text's width


@lru_cache(maxsize=1)
def families() -> tuple[str, ...]:
    """Matplotlib's own font, then the installed ones for other scripts."""
    installed = {entry.name for entry in fontManager.ttflist}
    return (FONT, *(name for name in FALLBACKS if name in installed))


@lru_cache(maxsize=32)
def _font(family: str, bold: bool) -> FT2Font:
    font = FT2Font(findfont(FontProperties(family=[family], weight="bold" if bold else "normal")))
    font.set_size(100, 72)
    return font


@lru_cache(maxsize=4096)
def _advance(character: str, bold: bool) -> float | None:
    """Width of a character over the font's size, or None if no font here can draw it."""
    for family in families():
        font = _font(family, bold)
        if font.get_char_index(ord(character)):
            return float(font.load_char(ord(character)).linearHoriAdvance) / 65536 / 100
    return None


def drawable(text: str) -> str:
    """The text on one line, with characters that no installed font can draw written as ``\\uXXXX``."""
    line = " ".join(text.split())
    return "".join(
        character if _advance(character, False) is not None else character.encode("unicode_escape").decode()
        for character in line)


def width_of(text: str, size: float, bold: bool = False) -> float:
    """An upper bound of a drawable text's width, inches, without kerning.

    Args:
        text: what is written.
        size: of the font, points.
        bold: whether it is written bold.
    """
    return HINTING * sum(_advance(character, bold) or 1.0 for character in text) * size / POINTS


def shorten(text: str, width: float, size: float, bold: bool = False) -> str:
    """The drawable text, with an ellipsis for its end if it is wider than ``width`` inches."""
    line = drawable(text)
    if width_of(line, size, bold) <= width:
        return line
    while line and width_of(line + "…", size, bold) > width:
        line = line[:-1]
    return line.rstrip() + "…"


def wrap(text: str, width: float, size: float) -> list[str]:
    """The drawable text in lines no wider than ``width`` inches at ``size`` points; a longer word is shortened."""
    lines: list[str] = []
    for word in drawable(text).split(" "):
        longer = f"{lines[-1]} {word}" if lines else ""
        if lines and width_of(longer, size) <= width:
            lines[-1] = longer
        else:
            lines.append(shorten(word, width, size))
    return lines


def listed(words: Iterable[str]) -> str:
    """Words as a sentence lists them: ``a, b and c``."""
    *first, last = words
    return f"{', '.join(first)} and {last}" if first else last
