"""The detections of an audit to look at first, with their photographs and heatmaps as far as they are still there."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from detcam.attribution.heatmap import Heatmap
from detcam.errors import DetcamError
from detcam.imaging.image import Image, load_image
from detcam.store.heatmaps import load_heatmaps


@dataclass(frozen=True)
class First:
    """A detection to look at.

    Attributes:
        row: of the audit's summary: ``photograph``, ``number``, ``type``, ``class_name``, ``score``, ``iou``,
            ``worst_edge``, ``worst_error`` (outward, over the true width or height), the box ``x1`` to ``y2`` and the
            true box ``true_x1`` to ``true_y2``, source pixels.
        image: the photograph; None where it cannot be read.
        heatmap: the detection's; None where there is none.
        lacking: what is said in the place of a picture that is not there.
    """

    row: dict[str, Any]
    image: Image | None
    heatmap: Heatmap | None
    lacking: str = ""


def first_of(summary: dict[str, Any], out: Path, files: Mapping[str, Path]) -> Iterator[First]:
    """One after the other, in the order of ``summary["first"]``; what is not there is said, and never an error.

    Args:
        summary: from :func:`detcam.audits.summary.summarise`.
        out: the audit's folder.
        files: the photographs by their names in the table.
    """
    for row in summary["first"]:
        image, lacking = _photograph(files, row["photograph"])
        heatmap: Heatmap | None = None
        if image is not None and row["heatmap"] is not None:
            heatmap, lacking = _heatmap(out, row)
            if heatmap is not None and heatmap.geometry.source != (image.height, image.width):
                image, heatmap, lacking = None, None, "The photograph has changed since: it has another size."
        yield First(row, image, heatmap, lacking)


def _photograph(files: Mapping[str, Path], name: str) -> tuple[Image | None, str]:
    """The photograph, or why there is none."""
    if name not in files:
        return None, "The photograph is not among those that were handed over."
    if not files[name].is_file():
        return None, "The photograph is no longer where it was."
    try:
        return load_image(files[name]), ""
    except DetcamError:
        return None, "The photograph can no longer be read."


def _heatmap(out: Path, row: dict[str, Any]) -> tuple[Heatmap | None, str]:
    """The heatmap of a row, or why there is none."""
    try:
        return load_heatmaps(out / row["heatmap"])[row["heatmap_key"]], ""
    except (DetcamError, KeyError):
        return None, "Its heatmap is no longer there."
