"""What occluding regions did to one box: the check of what its heatmaps suggest."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from detcam.diagnosis.diagnosis_data import DiagnosisData
from detcam.diagnosis.interventions.intervention import Intervention
from detcam.diagnosis.sentences.interventions import edge_occlusion_sentences, occlusion_sentences
from detcam.imaging.boxes import EDGES

if TYPE_CHECKING:
    import pandas as pd

SUSPECT, CONTROL = "suspect", "control"


@dataclass(frozen=True)
class Check:
    """The interventions on one detection. As the last line of a notebook's cell it shows its picture.

    Attributes:
        number: the detection's number in the figures, from 1.
        index: its index in ``parent.boxes``, from 0.
        parent: the diagnosis that it belongs to.
    """

    number: int
    index: int
    parent: DiagnosisData = field(repr=False, compare=False)

    @property
    def interventions(self) -> tuple[Intervention, ...]:
        """Every occluded region with its controls; empty where nothing about the box looked suspicious."""
        assert self.parent.interventions is not None
        return self.parent.interventions[self.index]

    @property
    def sentences(self) -> list[str]:
        """The sentences about the occlusions: the edge first, then those whose loss of score passes its limit."""
        return edge_occlusion_sentences(self.parent, self.index) + occlusion_sentences(self.parent, self.index)

    def to_frame(self) -> pd.DataFrame:
        """One line an occluded region.

        Returns:
            ``probe``: what was tested, such as ``"edge"``; ``role``: ``"suspect"`` or ``"control"``; ``region``: its
            name; ``area``: its share of the photograph; ``fill``: what it was filled with; ``score_loss``: the share of
            the score that is lost (below 0 where the score grows); ``left_px``, ``top_px``, ``right_px``,
            ``bottom_px``: how far each edge moves outward, source pixels (below 0: inward).
        """
        import pandas as pd

        columns = ["probe", "role", "region", "area", "fill", "score_loss", *(f"{edge}_px" for edge in EDGES)]
        return pd.DataFrame(list(self._rows()), columns=columns)

    def _rows(self) -> Iterator[dict[str, Any]]:
        for probe in self.interventions:
            for role, change in ((SUSPECT, probe.suspect), *((CONTROL, control) for control in probe.controls)):
                moved = {f"{edge}_px": float(change.edges[column]) for column, edge in enumerate(EDGES)}
                yield {"probe": probe.name, "role": role, "region": change.region.name, "area": change.area,
                       "fill": change.fill, "score_loss": change.loss} | moved
