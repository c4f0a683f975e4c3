"""An Explanation as plain JSON data and named arrays."""

import math
from collections.abc import Mapping
from dataclasses import asdict
from hashlib import sha256
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detcam.attribution.heatmap import Heatmap
from detcam.attribution.layers.sweep import Sweep
from detcam.explanations.explanation import Explanation
from detcam.imaging.boxes import EDGES
from detcam.imaging.image import Image
from detcam.measures.edge_evidence import Edges
from detcam.store.verdicts import verdict_record

Record = dict[str, Any]
Arrays = dict[str, NDArray[np.float32]]

EDGE_MEASURES = ("evidence", "percentile", "sibling_spread", "distribution_spread", "heat_gap")


def pixels_sha256(image: Image) -> str:
    """The SHA-256 hash of a photograph's height, width and decoded pixels, by which a changed one is noticed."""
    digest = sha256(f"{image.height}x{image.width}".encode())
    digest.update(np.ascontiguousarray(image.rgb).data)
    return digest.hexdigest()


def json_value(value: Any) -> Any:
    """The value as JSON can hold it: a number that is not finite becomes None, an object of another type its ``repr``.

    Args:
        value: numbers, texts and arrays, in lists, tuples and mappings of any depth.
    """
    if isinstance(value, Mapping):
        return {str(key): json_value(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [json_value(one) for one in value]
    if isinstance(value, np.ndarray):
        return json_value(value.tolist())
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if value is None or isinstance(value, (bool, int, str)) else repr(value)


def to_record(explanation: Explanation) -> tuple[Record, Arrays]:
    """An explanation as JSON data, without the photograph itself, and its raw heatmaps.

    Returns:
        The data, with boxes as xyxy in source pixels and grids in canvas pixels; and the heatmaps, float32
        ``[gh, gw]``, by the ``heatmap_key`` that the data names.
    """
    arrays: Arrays = {}
    tables = edge_tables(explanation)
    measured = [name for name in EDGE_MEASURES if tables[name] is not None]
    if explanation.edges is not None and explanation.edges.maps is not None:
        measured.append("maps")
    heatmaps = explanation.maps[0].heatmaps
    image = explanation.image
    return {
        "file": image.name, "width": image.width, "height": image.height, "pixels_sha256": pixels_sha256(image),
        "detection_count": explanation.detection_count,
        "geometry": json_value(asdict(heatmaps[0].geometry)) if heatmaps else None,
        "methods": [{"method": maps.method, "target": maps.target, "settings": json_value(maps.settings),
                     "sign_meanings": json_value(maps.sign_meanings)} for maps in explanation.maps],
        "edge_measures": measured, "sweep": _sweep(explanation.sweep),
        "detections": [_detection(explanation, i, tables, arrays) for i in range(len(explanation))],
        "provenance": json_value(explanation.provenance),
    }, arrays


def edge_tables(explanation: Explanation) -> dict[str, NDArray[np.float64] | None]:
    """The measures of the edges (left, top, right, bottom) by name, ``[N, 4]`` each; None where it was not measured."""
    edges = explanation.edges
    return {
        "evidence": None if edges is None else edges.evidence,
        "percentile": explanation.percentiles,
        "sibling_spread": None if edges is None else edges.sibling_spread,
        "distribution_spread": None if edges is None else edges.distribution_spread,
        "heat_gap": explanation.heat_gap,
    }


def _detection(explanation: Explanation, i: int, tables: dict[str, NDArray[np.float64] | None],
               arrays: Arrays) -> Record:
    """The detection with index ``i``; its heatmaps are added to ``arrays``."""
    detections, first = explanation.detections, explanation.maps[0]
    label = int(detections.labels[i])
    record = {
        "number": explanation.numbered[i], "box": json_value(detections.boxes[i]), "label": label,
        "class_name": explanation.class_name(label), "score": float(detections.scores[i]),
        "row": int(detections.rows[i]), "level": int(detections.levels[i]), "cell": json_value(detections.cells[i]),
        "method": first.method, "target": first.target_of(i), "layer": first.heatmaps[i].layer,
        "status": first.heatmaps[i].status,
    }
    record |= json_value(asdict(first.shares[i]))
    if explanation.verdicts:
        record["verdict"] = verdict_record(explanation.verdicts[i])
    record["edges"] = _edges(explanation.edges, i, tables, arrays)
    record["maps"] = [
        {"method": maps.method, "target": maps.target_of(i), "shares": json_value(asdict(maps.shares[i]))}
        | heatmap_record(maps.heatmaps[i], f"map{order}_detection{i}", arrays)
        for order, maps in enumerate(explanation.maps)
    ]
    if explanation.sweep is not None:
        record["sweep"] = [heatmap_record(heatmap, f"sweep{order}_detection{i}", arrays)
                           for order, heatmap in enumerate(explanation.sweep.heatmaps[i].values())]
    return record


def _sweep(sweep: Sweep | None) -> Record | None:
    if sweep is None:
        return None
    return {"method": sweep.method, "layers": [{"layer": name, "channels": count, "level": sweep.levels.get(name)}
                                               for name, count in sweep.channels.items()]}


def _edges(edges: Edges | None, i: int, tables: dict[str, NDArray[np.float64] | None], arrays: Arrays) -> Record:
    record: Record = {"layer": None if edges is None else edges.layer[i]}
    for column, edge in enumerate(EDGES):
        record[edge] = {name: json_value(table[i, column]) for name, table in tables.items() if table is not None}
        if edges is not None and edges.maps is not None:
            record[edge]["map"] = heatmap_record(edges.maps[i][column], f"{edge}_detection{i}", arrays)
    return record


def heatmap_record(heatmap: Heatmap, key: str, arrays: Arrays) -> Record:
    """A heatmap as JSON data, without its geometry; its values, float32 ``[gh, gw]``, are added to ``arrays``."""
    arrays[key] = np.asarray(heatmap.values, dtype=np.float32)
    return {"layer": heatmap.layer, "status": heatmap.status, "signed": heatmap.signed,
            "scales": json_value(heatmap.scales), "grid": json_value(asdict(heatmap.grid)), "heatmap_key": key}
