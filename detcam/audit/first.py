"""The detections of an audit to look at first, with their photographs and heatmaps as far as they are still there."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from detcam.attribution.heatmap import Heatmap
from detcam.errors import DetcamError
from detcam.imaging import Image, load_image
from detcam.store.heatmaps import load_heatmaps
from detcam.views.first import First


def first_of(summary: dict[str, Any], out: Path, files: Mapping[str, Path]) -> Iterator[First]:
    """One after the other, in the order of ``summary["first"]``; what is not there is said, and never an error.

    Args:
        summary: from :func:`detcam.audit.summary.summarise`.
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
