"""An Explanation from the JSON data and the arrays that :mod:`detcam.store.encode` made of it."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detcam.attribution.heatmap import Heatmap
from detcam.attribution.layers.sweep import Sweep
from detcam.detectors.detections import Detections
from detcam.explanations.explanation import Explanation, Maps
from detcam.imaging.boxes import EDGES
from detcam.imaging.geometry import Geometry
from detcam.imaging.grid import Grid
from detcam.imaging.image import Image
from detcam.measures.edge_evidence import Edges
from detcam.measures.shares import REGIONS, Shares
from detcam.store.verdicts import read_verdict

Record = dict[str, Any]
ArrayOf = Callable[[str], NDArray[np.float32]]


def from_record(record: Record, image: Image, class_names: dict[int, str], array: ArrayOf) -> Explanation:
    """The explanation that :func:`detcam.store.encode.to_record` encoded.

    Args:
        record: the JSON data, of the present schema version.
        image: the photograph.
        class_names: label to class name.
        array: a ``heatmap_key`` to its raw heatmap, float32 ``[gh, gw]``.

    Raises:
        KeyError, TypeError, ValueError, IndexError, AttributeError: the record is damaged.
    """
    detections: list[Record] = record["detections"]
    geometry = read_geometry(record["geometry"]) if detections else None
    tables = {name: _table(detections, name) for name in record["edge_measures"] if name != "maps"}
    return Explanation(
        image=image, detections=_detections(detections), class_names=class_names,
        maps=tuple(_maps(method, order, detections, geometry, array)
                   for order, method in enumerate(record["methods"])),
        edges=_edges(record, tables, geometry, array), percentiles=tables.get("percentile"),
        heat_gap=tables["heat_gap"], provenance=record["provenance"],
        numbered=tuple(int(one["number"]) for one in detections), detection_count=int(record["detection_count"]),
        verdicts=tuple(read_verdict(one["verdict"]) for one in detections if "verdict" in one),
        sweep=_sweep(record, geometry, array),
    )


def _maps(method: Record, order: int, detections: list[Record], geometry: Geometry | None, array: ArrayOf) -> Maps:
    """The maps of the method with index ``order``."""
    of_method = [one["maps"][order] for one in detections]
    meanings = method["sign_meanings"]
    return Maps(
        method["method"], method["target"], tuple(read_heatmap(one, geometry, array) for one in of_method),
        tuple(_shares(one["shares"]) for one in of_method), method["settings"],
        _targets([str(one["target"]) for one in of_method], method["target"]),
        None if meanings is None else (str(meanings[0]), str(meanings[1])))


def _targets(names: list[str], target: str) -> tuple[str, ...]:
    """The target of each detection; empty if all are the method's own."""
    return tuple(names) if any(name != target for name in names) else ()


def _edges(record: Record, tables: dict[str, NDArray[np.float64]], geometry: Geometry | None, array: ArrayOf
           ) -> Edges | None:
    if "evidence" not in tables:
        return None
    detections = record["detections"]
    maps = None
    if "maps" in record["edge_measures"]:
        maps = tuple(tuple(read_heatmap(one["edges"][edge]["map"], geometry, array) for edge in EDGES)
                     for one in detections)
    return Edges(tables["evidence"], tables["sibling_spread"], tables.get("distribution_spread"),
                 tuple(one["edges"]["layer"] for one in detections), maps)


def _table(detections: list[Record], name: str) -> NDArray[np.float64]:
    """One measure of the edges, ``[N, 4]``."""
    rows = [[_number(one["edges"][edge][name]) for edge in EDGES] for one in detections]
    return np.array(rows, dtype=np.float64).reshape(-1, 4)


def _sweep(record: Record, geometry: Geometry | None, array: ArrayOf) -> Sweep | None:
    sweep = record.get("sweep")
    if sweep is None:
        return None
    heatmaps = [[read_heatmap(one, geometry, array) for one in detection["sweep"]]
                for detection in record["detections"]]
    return Sweep(str(sweep["method"]), {str(one["layer"]): int(one["channels"]) for one in sweep["layers"]},
                 {str(one["layer"]): int(one["level"]) for one in sweep["layers"] if one["level"] is not None},
                 tuple({heatmap.layer: heatmap for heatmap in of_detection} for of_detection in heatmaps))


def _detections(records: list[Record]) -> Detections:
    def column(name: str, kind: Any) -> NDArray[Any]:
        return np.array([record[name] for record in records], dtype=kind)

    return Detections(
        boxes=column("box", np.float64).reshape(-1, 4), labels=column("label", np.int64),
        scores=column("score", np.float64), rows=column("row", np.int64), levels=column("level", np.int64),
        cells=column("cell", np.int64).reshape(-1, 2),
    )


def _shares(record: Record) -> Shares:
    peak = record["peak_inside"]
    return Shares(**{region: _number(record[region]) for region in REGIONS},
                  peak_inside=None if peak is None else bool(peak))


def _number(value: Any) -> float:
    return math.nan if value is None else float(value)


def _pair(values: Any, kind: type) -> tuple[Any, Any]:
    first, second = values
    return kind(first), kind(second)


def read_geometry(record: Record) -> Geometry:
    """The geometry of a record.

    Raises:
        KeyError, TypeError, ValueError: the record is damaged.
    """
    return Geometry(_pair(record["source"], int), _pair(record["canvas"], int), _pair(record["scale"], float),
                    _pair(record["offset"], float))


def read_heatmap(record: Record, geometry: Geometry | None, array: ArrayOf) -> Heatmap:
    """The heatmap of a record that :func:`detcam.store.encode.heatmap_record` made.

    Args:
        record: the JSON data.
        geometry: of the photograph on the canvas.
        array: a ``heatmap_key`` to its values, float32 ``[gh, gw]``.

    Raises:
        KeyError, TypeError, ValueError, AttributeError: the record is damaged.
    """
    assert geometry is not None  # there are detections
    grid = Grid(_pair(record["grid"]["stride"], float), _pair(record["grid"]["origin"], float))
    scales = {str(name): _number(scale) for name, scale in record["scales"].items()}
    return Heatmap(array(record["heatmap_key"]), grid, geometry, str(record["layer"]), str(record["status"]), scales,
                   bool(record.get("signed", False)))
