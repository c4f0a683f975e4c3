"""The evidence on the edges of sound boxes: a reference that turns a box's evidence into a percentile."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detcam.errors import DataError
from detcam.imaging.boxes import areas

SCHEMA = 1
SIMILAR = 1 / 3  # of the sound boxes, those nearest in size: a box is compared with these
SOUND = 0.10  # a sound box has no edge with a larger error than this share of the true box's width or height
SHIPPED = Path(__file__).parent / "references"


@dataclass(frozen=True)
class Reference:
    """The evidence on the edges of sound boxes of one detector.

    Attributes:
        fingerprint: the hash of the detector's weights.
        architecture: the name of its architecture.
        classes: all class names of the detector.
        measured: the class names whose boxes were measured; the reference is not valid for others.
        layer: the layer at which the evidence was measured.
        source: the photographs, in words.
        sizes: ``[M]`` square root of each sound box's area, canvas pixels.
        evidence: ``[M, 4]`` the evidence on its left, top, right and bottom edge.
    """

    fingerprint: str
    architecture: str
    classes: tuple[str, ...]
    measured: tuple[str, ...]
    layer: str
    source: str
    sizes: NDArray[np.float64]
    evidence: NDArray[np.float64]

    def percentile(self, boxes: NDArray[np.floating], evidence: NDArray[np.floating]) -> NDArray[np.float64]:
        """The percentile of each edge's evidence among sound boxes of similar size, from 0 to 100.

        Each edge is compared with the same edge of the third of the sound boxes that are nearest in size.

        Args:
            boxes: ``[N, 4]`` xyxy, canvas pixels.
            evidence: ``[N, 4]`` on their left, top, right and bottom edges.

        Returns:
            float64 ``[N, 4]``: the percentage of those sound boxes with less evidence on the same edge.
        """
        percentiles = np.full(evidence.shape, np.nan)
        known, count = np.log(self.sizes), max(1, round(SIMILAR * len(self.sizes)))
        for index, size in enumerate(np.sqrt(areas(boxes).clip(1))):
            near = np.argsort(np.abs(known - np.log(size)), kind="stable")[:count]
            below = self.evidence[near] < evidence[index]
            percentiles[index] = 100 * below.mean(0)
        return percentiles

    def save(self, path: Path) -> None:
        """Write the reference as JSON.

        Raises:
            OSError: the file cannot be written.
        """
        content = {
            "schema_version": SCHEMA, "fingerprint": self.fingerprint, "architecture": self.architecture,
            "classes": list(self.classes), "measured": list(self.measured), "layer": self.layer, "source": self.source,
            "sizes": self.sizes.round(2).tolist(), "evidence": self.evidence.round(5).tolist(),
        }
        path.write_text(json.dumps(content) + "\n")


def load_reference(path: Path) -> Reference:
    """Read a reference that :meth:`Reference.save` wrote.

    Raises:
        DataError: the file is missing, is damaged, or has another schema version.
    """
    try:
        content: dict[str, Any] = json.loads(path.read_text())
        if content["schema_version"] != SCHEMA:
            raise DataError(f"{path}: reference of version {content['schema_version']}, expected {SCHEMA}: "
                            "make it again with scripts/validate_numbers.py --reference-out")
        sizes, evidence = np.array(content["sizes"], float), np.array(content["evidence"], float)
        if evidence.shape != (len(sizes), 4) or not len(sizes):
            raise DataError(f"{path}: expected one size and four numbers for each sound box, got {evidence.shape}")
        return Reference(str(content["fingerprint"]), str(content["architecture"]), tuple(content["classes"]),
                         tuple(content["measured"]), str(content["layer"]), str(content["source"]), sizes, evidence)
    except FileNotFoundError:
        raise DataError(f"{path}: no such reference file") from None
    except (json.JSONDecodeError, UnicodeDecodeError, KeyError, TypeError, OSError) as error:
        raise DataError(f"{path}: not a reference file ({error})") from None


def shipped_reference(fingerprint: str, architecture: str, classes: tuple[str, ...], layer: str) -> Reference | None:
    """The reference that ships with detcam for a detector, or None.

    One that was measured on the same weights comes first, then one of the same architecture and classes.

    Args:
        fingerprint: the hash of the detector's weights.
        architecture: the name of its architecture.
        classes: all of its class names.
        layer: the layer at which its evidence is measured.
    """
    candidates = [load_reference(path) for path in sorted(SHIPPED.glob("*.json"))]
    of_layer = [reference for reference in candidates if reference.layer == layer]
    same_weights = [reference for reference in of_layer if reference.fingerprint == fingerprint]
    same_kind = [reference for reference in of_layer
                 if reference.architecture == architecture and reference.classes == classes]
    return next(iter(same_weights + same_kind), None)
