"""The four edges of one box as a small table: the error of each, its evidence, and how far occlusion moved it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from detcam.diagnosis.diagnosis_data import DiagnosisData
from detcam.diagnosis.interventions.edge_probe import EDGE
from detcam.imaging.boxes import EDGES

if TYPE_CHECKING:
    import pandas as pd


def edge_table(diagnosis: DiagnosisData, index: int) -> pd.DataFrame:
    """The edges of a box in question.

    Args:
        diagnosis: of the photograph.
        index: of the box in ``diagnosis.boxes``, from 0.

    Returns:
        A line an edge (``left``, ``top``, ``right``, ``bottom``), and the columns that exist for this diagnosis:
        ``error_px``, ``error_share``: how far the edge lies outside the true one, source pixels and over the true
        width or height, below 0 inside, NaN without a true box. ``evidence``, ``percentile``, ``sibling_spread``,
        ``distribution_spread``, ``heat_gap``: as in :class:`detcam.Explanation` and its ``edges``. ``pull_outward``,
        ``pull_beyond``, ``pull_outside``: as in :class:`detcam.diagnosis.attention.pull.Pull`. ``occlusion_moved_px``,
        ``control_moved_px``: how far the edge moves outward, source pixels, when the region that moves the worst edge
        outward is occluded, and the mean with a control occlusion.
    """
    import pandas as pd

    columns: dict[str, Any] = {"error_px": diagnosis.outward[index], "error_share": diagnosis.shares[index]}
    columns |= _measured(diagnosis, index)
    pulls = diagnosis.pulls[index]
    if pulls is not None:
        columns |= {f"pull_{name}": [getattr(pull, name) for pull in pulls]
                    for name in ("outward", "beyond", "outside")}
    return pd.DataFrame(columns | _occluded(diagnosis, index), index=pd.Index(EDGES, name="edge"))


def _measured(diagnosis: DiagnosisData, index: int) -> dict[str, NDArray[np.float64]]:
    """What is known of the edges without a true box."""
    boxes, found = diagnosis.boxes, {}
    if boxes.edges is not None:
        tables = {"evidence": boxes.edges.evidence, "percentile": boxes.percentiles,
                  "sibling_spread": boxes.edges.sibling_spread, "distribution_spread": boxes.edges.distribution_spread}
        found = {name: table[index] for name, table in tables.items() if table is not None}
    return found | {"heat_gap": boxes.heat_gap[index]}


def _occluded(diagnosis: DiagnosisData, index: int) -> dict[str, NDArray[np.float64]]:
    """How far each edge moved when the region of the worst one was occluded; empty where that was not tested."""
    for probe in () if diagnosis.interventions is None else diagnosis.interventions[index]:
        if probe.name == EDGE:
            return {"occlusion_moved_px": probe.suspect.edges,
                    "control_moved_px": probe.suspect.edges - probe.extra_edges}
    return {}
