"""Does the map of a misplaced edge know what pulls it out? The window that it names is hidden, and others beside it.

    python scripts/measure_pull.py --images val/images --annotations val/instances.json --model yolov8n.pt
"""

import sys

if __name__ == "__main__":  # before the other imports, which take seconds
    from detcam.cli.main import run_script

    sys.exit(run_script(__file__))

from collections.abc import Iterator
from typing import Annotated, Any

import numpy as np
import pandas as pd
import typer
from numpy.typing import NDArray

from detcam.cli.console import tracked
from detcam.cli.option_groups import Part, grouped
from detcam.cli.options import DataOptions, DetectorOptions
from detcam.cli.reports import ReportOptions, print_lines
from detcam.datasets.ground_truth import GroundTruth
from detcam.detectors.base import Detector
from detcam.diagnosis.classes import check_classes
from detcam.diagnosis.diagnose import diagnose
from detcam.diagnosis.interventions.edge_probe import edge_probe
from detcam.diagnosis.interventions.intervention import FILL, intervene
from detcam.diagnosis.interventions.regions import Region
from detcam.diagnosis.result import Diagnosis
from detcam.errors import DataError
from detcam.imaging.boxes import EDGES, OUTWARD, edge_lengths
from detcam.measures.reference import SOUND
from detcam.stats.bootstrap import Estimate, mean, median
from detcam.stats.rank_correlation import rank_correlation

HOT, NEAREST, ELSEWHERE = "where the map says", "at the edge's middle", "elsewhere"
PLACES = (HOT, NEAREST, ELSEWHERE)


@grouped
def main(
    where: DataOptions, options: DetectorOptions, files: Annotated[ReportOptions, Part(("markdown",))],
    fill: Annotated[str, typer.Option(help="What hides a window: blur, grey or inpaint.")] = FILL,
) -> None:
    """Print how far misplaced edges move in, and how what pulls them goes with the true error."""
    wanted = where.wanted
    files.check()
    data = where.read()
    detector = options.load()
    check_classes(detector, data, wanted)
    chosen = where.photographs(data)
    edges: list[dict[str, Any]] = []
    for truth in tracked(chosen):
        one = diagnose(detector, truth.file, truth, classes=wanted, annotated=data.class_names,
                       min_score=where.min_score, differences=False)
        edges += [each | {"photograph": str(truth.file)} for each in _edges(detector, one, truth, fill)]
    if not edges:
        raise DataError(f"no {' or '.join(wanted)} was found on {len(chosen)} photographs")
    lines = [("number", "value [95 % of draws of the photographs]", "edges"), *_lines(pd.DataFrame(edges))]
    print_lines(lines)
    files.write(lines)


def _edges(detector: Detector, one: Diagnosis, truth: GroundTruth, fill: str) -> Iterator[dict[str, Any]]:
    """Every edge that has a true one; of those that lie too far outside, how far they move in."""
    errors = one.shares
    placed = [box for box in range(len(one)) if np.isfinite(errors[box]).all() and one.pulls[box] is not None]
    canvas = detector.canvas(one.image)
    for box in placed:
        pulls, own = one.pulls[box], one.truth_of(box)
        assert pulls is not None
        for column, edge in enumerate(EDGES):
            row = {"edge": edge, "error": errors[box, column], "beyond": pulls[column].beyond,
                   "size": float(np.sqrt(np.prod(edge_lengths(one.boxes.detections.boxes[box])[:2])))}
            if errors[box, column] > SOUND:
                regions = _windows(one, box, edge, own)
                found = intervene(detector, canvas, one.boxes.detections[[box]], [list(regions.values())], fill)[0]
                length = float(edge_lengths(truth.boxes[own])[column])
                moved = {name: -float(each.edges[column]) / length for name, each in zip(regions, found, strict=True)}
                row |= {name: float(np.mean([value for key, value in moved.items() if key.startswith(name)]))
                        for name in PLACES if any(key.startswith(name) for key in moved)}
            yield row


def _windows(one: Diagnosis, box: int, edge: str, own: int) -> dict[str, Region]:
    """What is hidden: the window that the map names, one of its size by geometry alone, and some elsewhere."""
    assert one.boxes.edges is not None
    assert one.boxes.edges.maps is not None
    column, true = EDGES.index(edge), one.truth.boxes[own]
    heatmap, placed = one.boxes.edges.maps[box][column], one.boxes.detections.boxes[box]
    asked = edge_probe(heatmap, edge, placed, true, np.delete(one.truth.boxes, own, 0))
    if asked is None:
        return {}
    found = {HOT: asked.suspect}
    found |= {f"{ELSEWHERE} {index}": each for index, each in enumerate(asked.controls)}
    near = _nearest(asked.suspect.mask, heatmap.geometry.to_canvas(true), column)
    if near.any():
        found[NEAREST] = Region(NEAREST, near)
    return found


def _nearest(mask: NDArray[np.bool_], true: NDArray[np.floating], column: int) -> NDArray[np.bool_]:
    """A window of a mask's height and width that lies right beyond the middle of an edge of a box, canvas pixels."""
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    sides = np.array([columns[-1] - columns[0] + 1, rows[-1] - rows[0] + 1])  # x, y
    start = (true[:2] + true[2:] - sides) / 2
    along = column % 2
    start[along] = true[column] - sides[along] if OUTWARD[column] < 0 else true[column]
    x, y = np.rint(start).astype(int)
    found = np.zeros_like(mask)
    found[max(y, 0) : max(y + sides[1], 0), max(x, 0) : max(x + sides[0], 0)] = True
    return found


def _lines(edges: pd.DataFrame) -> list[tuple[str, str, str]]:
    """The numbers in words."""
    codes = pd.factorize(edges.photograph)[0]
    beyond, error, size = (edges[name].to_numpy(float) for name in ("beyond", "error", "size"))
    known = rank_correlation(beyond, error, size, codes)
    lines = [("share of the outward pull beyond the true edge, against the signed error: rho", _said(known.raw),
              str(known.n)), ("the same among boxes of like size", _said(known.size_adjusted), str(known.n))]
    for words, low, high in (("sound edges, within 10 %", -SOUND, SOUND), ("edges 10 to 30 % too far out", SOUND, 0.3),
                             ("edges over 30 % too far out", 0.3, np.inf)):
        own = np.where((error > low) & (error <= high), beyond, np.nan)
        found, count = median(own, codes)
        lines.append((f"median share beyond the true edge: {words}", _said(found), str(count)))
    for name in (each for each in PLACES if each in edges):
        found, count = mean(edges[name].to_numpy(float).clip(-1, 1), codes)
        lines.append((f"edge moves in when a window is hidden {name}: mean, over width or height",
                      _said(found, "+.3f"), str(count)))
    for name in (each for each in PLACES[1:] if each in edges):
        both = edges[HOT].to_numpy(float) - edges[name].to_numpy(float)
        found, count = mean(both.clip(-1, 1), codes)
        lines.append((f"{HOT} minus {name}: mean", _said(found, "+.3f"), str(count)))
        found, _ = mean(np.where(np.isfinite(both), both > 0, np.nan), codes)
        lines.append((f"it moves in further {HOT} than {name}: share of edges", _said(found), str(count)))
    return lines


def _said(found: Estimate, form: str = ".2f") -> str:
    return f"{found.value:{form}} [{found.low:{form}}, {found.high:{form}}]"
