"""What hiding regions did to one box: the check of what its heatmaps suggest."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from detcam.diagnosis.diagnosis_data import DiagnosisData
from detcam.diagnosis.interventions.intervention import Intervention
from detcam.diagnosis.sentences.interventions import hidden_edge_sentences, hidden_sentences
from detcam.imaging.boxes import EDGES

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
        """Every hidden region with its controls; empty where nothing about the box called for hiding."""
        assert self.parent.interventions is not None
        return self.parent.interventions[self.index]

    @property
    def sentences(self) -> list[str]:
        """What is said of the hiding: the edge first, then what took more of the score than its limit."""
        return hidden_edge_sentences(self.parent, self.index) + hidden_sentences(self.parent, self.index)

    def to_frame(self) -> pd.DataFrame:
        """One line a hidden region.

        Returns:
            ``question``: what was asked, such as ``"edge"``; ``role``: ``"suspect"`` or ``"control"``; ``region``: its
            name; ``area``: its share of the photograph; ``fill``: what hid it; ``score_loss``: the share of the score
            that is gone (below 0 where the score grows); ``left_px``, ``top_px``, ``right_px``, ``bottom_px``: how far
            each edge moves outward, source pixels (below 0: inward).
        """
        columns = ["question", "role", "region", "area", "fill", "score_loss", *(f"{edge}_px" for edge in EDGES)]
        return pd.DataFrame(list(self._rows()), columns=columns)

    def _rows(self) -> Iterator[dict[str, Any]]:
        for asked in self.interventions:
            for role, change in ((SUSPECT, asked.suspect), *((CONTROL, each) for each in asked.controls)):
                moved = {f"{edge}_px": float(change.edges[column]) for column, edge in enumerate(EDGES)}
                yield {"question": asked.name, "role": role, "region": change.region.name, "area": change.area,
                       "fill": change.fill, "score_loss": change.loss} | moved
