"""What comes out: every detection of a photograph beside its own heatmaps and numbers."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from detcam.attribution.heatmap import Heatmap
from detcam.attribution.layers.sweep import Sweep
from detcam.detectors.detections import Detections
from detcam.errors import InputError
from detcam.imaging.boxes import EDGES
from detcam.imaging.image import Image
from detcam.measures.edge_evidence import Edges
from detcam.measures.shares import REGIONS, Shares
from detcam.verdicts.verdict import Verdict

if TYPE_CHECKING:
    import pandas as pd


def indices_of_numbers(numbers: Sequence[int], numbered: Sequence[int], asked_by: str) -> list[int]:
    """The indices of the detections with some numbers.

    Args:
        numbers: the numbers, as figures show them.
        numbered: the number of every detection.
        asked_by: the argument that they were given as, for the message.

    Raises:
        InputError: there is no such number.
    """
    for number in numbers:
        if number not in numbered:
            known = f"the numbers are {', '.join(map(str, numbered))}" if numbered else (
                "nothing is explained on this photograph")
            raise InputError(f"{asked_by}: there is no box {number}; {known}")
    return [numbered.index(number) for number in numbers]


@dataclass(frozen=True)
class Maps:
    """One method's heatmaps of all detections.

    Attributes:
        method: the method's name.
        target: what was explained.
        heatmaps: one a detection.
        shares: where each one's heat lies.
        settings: the method's settings, for the provenance.
        targets: what was explained about each detection, where ``target`` does not say all of it (the runner-up of a
            margin); otherwise empty.
        poles: what negative and positive values say, where both are of interest; None where only positive ones are.
    """

    method: str
    target: str
    heatmaps: tuple[Heatmap, ...]
    shares: tuple[Shares, ...]
    settings: dict[str, Any] = field(default_factory=dict)
    targets: tuple[str, ...] = ()
    sign_meanings: tuple[str, str] | None = None

    def __getitem__(self, index: NDArray[np.int64]) -> "Maps":
        """The maps of some of the detections."""
        return replace(self, heatmaps=tuple(self.heatmaps[i] for i in index),
                       shares=tuple(self.shares[i] for i in index),
                       targets=tuple(self.targets[i] for i in index) if self.targets else ())

    def target_of(self, index: int) -> str:
        """What was explained about a detection, such as ``"margin over background"``."""
        return self.targets[index] if self.targets else self.target


@dataclass(frozen=True)
class DetectionExplanation:
    """One detection with its heatmap and numbers.

    Attributes:
        number: its number in the figure and the table, from 1.
        box: ``[4]`` xyxy, source pixels.
        label, class_name, score, row, level, cell: as in :class:`Detections`.
        heatmap: the first method's heatmap.
        heatmaps: every method's, by name.
        sweep: its maps by layer, from shallow to deep; empty unless a sweep was asked for.
        numbers: everything that was measured, flat, as ``to_frame()`` has it.
        verdict: where its place was asked about, what became of it.
        parent: the explanation it belongs to.
    """

    number: int
    box: NDArray[np.float64]
    label: int
    class_name: str
    score: float
    row: int
    level: int
    cell: tuple[int, int]
    heatmap: Heatmap
    heatmaps: dict[str, Heatmap]
    sweep: dict[str, Heatmap]
    numbers: dict[str, Any]
    verdict: Verdict | None
    parent: "Explanation" = field(repr=False, compare=False)


@dataclass(frozen=True)
class Explanation:
    """Every detection of a photograph beside its own heatmaps.

    ``explanation[i]`` is one detection by its index, from 0; ``explanation.by_number(3)`` by the number that figures
    and tables show, from 1; a slice or an array of indices gives an :class:`Explanation` of several.

    Attributes:
        image: the photograph.
        detections: its detections, best score first.
        class_names: label to word.
        maps: each method's heatmaps, in the order that the methods were asked for; never empty.
        edges: what each edge rests on; None if it was not asked for.
        percentiles: ``[N, 4]``: per cent of sound boxes of similar size with less evidence on that edge; NaN for
            classes that the reference does not speak of, None without a reference.
        heat_gap: ``[N, 4]``: how far each edge reaches beyond the first method's heat, over width or height.
        provenance: detector, weights, settings, versions and device.
        numbered: each detection's number in the figure and the table, from 1.
        detection_count: how many detections there were before ``max_boxes`` cut them.
        verdicts: where places were asked about, what became of each row; None for what took a row's place. The rows
            need not be detections then. Empty otherwise.
        sweep: each detection's maps at many layers; None if it was not asked for.
    """

    image: Image
    detections: Detections
    class_names: dict[int, str]
    maps: tuple[Maps, ...]
    edges: Edges | None
    percentiles: NDArray[np.float64] | None
    heat_gap: NDArray[np.float64]
    provenance: dict[str, Any]
    numbered: tuple[int, ...]
    detection_count: int
    verdicts: tuple[Verdict | None, ...] = ()
    sweep: Sweep | None = None

    @property
    def classified(self) -> bool:
        """Whether the detections are classes of the whole photograph, not boxes in it."""
        return bool(self.provenance.get("task") == "classify")

    def __len__(self) -> int:
        return len(self.detections)

    def __iter__(self) -> Iterator[DetectionExplanation]:
        return (self[index] for index in range(len(self)))

    def __getitem__(self, index: Any) -> Any:
        """One detection (:class:`DetectionExplanation`) for an index, an :class:`Explanation` for anything else.

        Raises:
            IndexError: there is no such detection.
        """
        if isinstance(index, (int, np.integer)):
            return self._one(range(len(self))[index])
        chosen = np.arange(len(self))[index]
        return replace(
            self, detections=self.detections[chosen], maps=tuple(each[chosen] for each in self.maps),
            edges=None if self.edges is None else self.edges[chosen],
            percentiles=None if self.percentiles is None else self.percentiles[chosen],
            heat_gap=self.heat_gap[chosen], numbered=tuple(self.numbered[i] for i in chosen),
            verdicts=tuple(self.verdicts[i] for i in chosen) if self.verdicts else (),
            sweep=None if self.sweep is None else self.sweep[chosen],
        )

    def by_number(self, number: int) -> DetectionExplanation:
        """The detection with a number, as the figure and the table show it, from 1.

        Where places were asked about, several rows may have one number: the first of them.

        Raises:
            InputError: there is no such number.
        """
        return self._one(indices_of_numbers([number], self.numbered, "by_number")[0])

    def _one(self, index: int) -> DetectionExplanation:
        found = self.detections
        label = int(found.labels[index])
        return DetectionExplanation(
            number=self.numbered[index], box=found.boxes[index], label=label,
            class_name=self.class_name(label), score=float(found.scores[index]), row=int(found.rows[index]),
            level=int(found.levels[index]), cell=(int(found.cells[index, 0]), int(found.cells[index, 1])),
            heatmap=self.maps[0].heatmaps[index],
            heatmaps={each.method: each.heatmaps[index] for each in self.maps},
            sweep={} if self.sweep is None else self.sweep.heatmaps[index], numbers=self.numbers(index),
            verdict=self.verdict(index), parent=self,
        )

    def class_name(self, label: int) -> str:
        """The word for a label."""
        return self.class_names.get(label, f"class {label}")

    def verdict(self, index: int) -> Verdict | None:
        """What became of a row, where its place was asked about."""
        return self.verdicts[index] if self.verdicts else None

    def numbers(self, index: int) -> dict[str, Any]:
        """Everything that was measured on one detection, flat; NaN where a number does not exist for it."""
        first = self.maps[0]
        heatmap = first.heatmaps[index]
        row: dict[str, Any] = {"method": first.method, "target": first.target_of(index), "layer": heatmap.layer,
                               "status": heatmap.status}
        row |= {f"scale_{name}": scale for name, scale in heatmap.scales.items()}  # of a fused map
        row |= {region: getattr(first.shares[index], region) for region in REGIONS}
        row["peak_inside"] = first.shares[index].peak_inside
        if self.edges is not None:
            row["edge_layer"] = self.edges.layer[index]
            tables = {"evidence": self.edges.evidence, "percentile": self.percentiles,
                      "sibling_spread": self.edges.sibling_spread,
                      "distribution_spread": self.edges.distribution_spread}
            for name, table in tables.items():
                if table is not None:
                    row |= {f"{edge}_{name}": float(table[index, column]) for column, edge in enumerate(EDGES)}
        row |= {f"{edge}_heat_gap": float(self.heat_gap[index, column]) for column, edge in enumerate(EDGES)}
        verdict = self.verdict(index)
        if self.verdicts:
            row |= {"asked": "" if verdict is None else str(verdict.place),
                    "verdict": "" if verdict is None else verdict.kind,
                    "why": "" if verdict is None else verdict.sentence}
        return row

    def to_frame(self) -> "pd.DataFrame":
        """One line a detection: what it is, where it came from, and every number."""
        import pandas as pd

        rows = []
        for one in self:
            x1, y1, x2, y2 = one.box.tolist()
            rows.append({"number": one.number, "class_name": one.class_name, "label": one.label, "score": one.score,
                         "x1": x1, "y1": y1, "x2": x2, "y2": y2, "row": one.row, "level": one.level} | one.numbers)
        return pd.DataFrame(rows)
