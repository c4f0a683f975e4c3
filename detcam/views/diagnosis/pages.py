"""A diagnosis as pages: all boxes on the photograph, a row for each, interventions, missed objects, and leakage."""

from collections.abc import Iterator
from pathlib import Path

from matplotlib.figure import Figure

from detcam.diagnosis.result import Diagnosis
from detcam.errors import InputError
from detcam.views.diagnosis.box_rows import in_order, row_pages
from detcam.views.diagnosis.intervention_rows import boxes_over_limit, intervention_pages
from detcam.views.diagnosis.leakage_table import has_leakage, leakage_page
from detcam.views.diagnosis.missed_rows import MOST_ROWS, missed_pages
from detcam.views.diagnosis.overview import overview_page
from detcam.views.explanation.figure import ROWS_PER_PAGE
from detcam.views.page.colours import HEAT, colour_map
from detcam.views.page.png import DPI, write_pages


def diagnosis_figures(diagnosis: Diagnosis, *, rows_per_page: int = ROWS_PER_PAGE, cmap: str = HEAT, dpi: float = DPI
                      ) -> Iterator[Figure]:
    """The pages of a diagnosis one by one, each a Matplotlib figure on its own Agg canvas.

    First every box in the colour of its error type; then the boxes in question, wrong ones first; those with an
    occlusion that passes its limit; the missed objects; and for two boxes or more the share of each one's heat on each
    true object.

    Args:
        diagnosis: of one photograph.
        rows_per_page: boxes or objects on a page at most.
        cmap: a Matplotlib colour map for the heat.
        dpi: pixels an inch.

    Raises:
        InputError: an argument is not what was expected.
    """
    if rows_per_page < 1:
        raise InputError(f"rows_per_page {rows_per_page}: expected at least 1")
    if not dpi > 0:
        raise InputError(f"dpi {dpi}: expected a positive number")
    colour_map(cmap)
    return _pages(diagnosis, rows_per_page, cmap, dpi)


def save_diagnosis(diagnosis: Diagnosis, out: str | Path, cmap: str = HEAT) -> list[Path]:
    """Write the pages as ``<out>.png``, ``<out>.2.png`` and so on, each whole or not at all.

    Pages of the same photograph that an earlier run left under these names are removed.

    Args:
        diagnosis: of one photograph.
        out: the folder, which must exist, and the file name without its ending.
        cmap: a Matplotlib colour map for the heat.

    Raises:
        InputError: there is no such colour map.
        OutputError: a page cannot be written.
    """
    return write_pages(diagnosis_figures(diagnosis, cmap=cmap), Path(out), diagnosis.image.name)


def _pages(diagnosis: Diagnosis, rows_per_page: int, cmap: str, dpi: float) -> Iterator[Figure]:
    boxes = -(-len(in_order(diagnosis)) // rows_per_page)
    occluded = boxes + -(-len(boxes_over_limit(diagnosis)) // rows_per_page)
    missed = occluded + -(-min(len(diagnosis.missed), MOST_ROWS) // rows_per_page)
    count = 1 + missed + has_leakage(diagnosis)
    words = [f"page {page} of {count}" if count > 1 else "" for page in range(1, count + 1)]
    yield overview_page(diagnosis, words[0], dpi)
    yield from row_pages(diagnosis, rows_per_page, cmap, dpi, words[1:1 + boxes])
    yield from intervention_pages(diagnosis, rows_per_page, dpi, words[1 + boxes:1 + occluded])
    yield from missed_pages(diagnosis, rows_per_page, cmap, dpi, words[1 + occluded:1 + missed])
    if has_leakage(diagnosis):
        yield leakage_page(diagnosis, words[-1], dpi)
