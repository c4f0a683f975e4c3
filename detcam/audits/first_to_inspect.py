"""The detections of an audit to inspect first, with their photographs and heatmaps as far as these still exist."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from detcam.attribution.heatmap import Heatmap
from detcam.errors import DetcamError
from detcam.imaging.image import Image, load_image
from detcam.store.heatmaps import load_heatmaps


@dataclass(frozen=True)
class DetectionToInspect:
    """A detection to inspect.

    Attributes:
        row: of the audit's summary: ``photograph``, ``number``, ``type``, ``class_name``, ``score``, ``iou``,
            ``worst_edge``, ``worst_error`` (positive outward, over the true width or height), the box ``x1`` to ``y2``
            and the true box ``true_x1`` to ``true_y2``, source pixels.
        image: the photograph; None where it cannot be read.
        heatmap: the detection's; None where there is none.
        lacking: a sentence to show in place of a picture that is not there; empty if none is lacking.
    """

    row: dict[str, Any]
    image: Image | None
    heatmap: Heatmap | None
    lacking: str = ""


def detections_to_inspect(summary: dict[str, Any], out: Path, files: Mapping[str, Path]
                          ) -> Iterator[DetectionToInspect]:
    """The detections of ``summary["first_to_inspect"]``, one by one; a picture that is not there is no error.

    Args:
        summary: from :func:`detcam.audits.summary.summarise`.
        out: the audit's folder.
        files: the photographs by their names in the table.
    """
    for row in summary["first_to_inspect"]:
        image, lacking = _photograph(files, row["photograph"])
        heatmap: Heatmap | None = None
        if image is not None and row["heatmap"] is not None:
            heatmap, lacking = _heatmap(out, row)
            if heatmap is not None and heatmap.geometry.source != (image.height, image.width):
                image, heatmap = None, None
                lacking = "The photograph's size has changed since the audit."
        yield DetectionToInspect(row, image, heatmap, lacking)


def _photograph(files: Mapping[str, Path], name: str) -> tuple[Image | None, str]:
    """The photograph, or why there is none."""
    if name not in files:
        return None, "The photograph is not in this data set."
    if not files[name].is_file():
        return None, "The photograph no longer exists."
    try:
        return load_image(files[name]), ""
    except DetcamError:
        return None, "The photograph can no longer be read."


def _heatmap(out: Path, row: dict[str, Any]) -> tuple[Heatmap | None, str]:
    """The heatmap of a row, or why there is none."""
    try:
        return load_heatmaps(out / row["heatmap"])[row["heatmap_key"]], ""
    except (DetcamError, KeyError):
        return None, "The heatmap no longer exists."
