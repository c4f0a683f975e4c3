"""An Explanation as plain JSON data and named arrays, and back."""

import math
from collections.abc import Callable, Mapping
from dataclasses import asdict
from hashlib import sha256
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
from detcam.store.verdicts import read_verdict, verdict_record

Record = dict[str, Any]
Arrays = dict[str, NDArray[np.float32]]

EDGE_NUMBERS = ("evidence", "percentile", "sibling_spread", "distribution_spread", "heat_gap")


def pixels_sha256(image: Image) -> str:
    """What tells a photograph from a changed one: SHA-256 over its height, width and decoded pixels."""
    digest = sha256(f"{image.height}x{image.width}".encode())
    digest.update(np.ascontiguousarray(image.rgb).data)
    return digest.hexdigest()


def plain(value: Any) -> Any:
    """The value as JSON knows it: numbers that are not finite become None, what JSON cannot hold its ``repr``."""
    if isinstance(value, Mapping):
        return {str(key): plain(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(each) for each in value]
    if isinstance(value, np.ndarray):
        return plain(value.tolist())
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if value is None or isinstance(value, (bool, int, str)) else repr(value)


def to_record(explanation: Explanation) -> tuple[Record, Arrays]:
    """An explanation as JSON data and its raw heatmaps, float32 ``[gh, gw]``, by the keys that the data names.

    Boxes are xyxy in source pixels, grids and geometry in canvas pixels. The photograph itself is not in it.
    """
    arrays: Arrays = {}
    tables = edge_tables(explanation)
    measured = [name for name in EDGE_NUMBERS if tables[name] is not None]
    if explanation.edges is not None and explanation.edges.maps is not None:
        measured.append("maps")
    heatmaps = explanation.maps[0].heatmaps
    image = explanation.image
    return {
        "file": image.name, "width": image.width, "height": image.height, "pixels_sha256": pixels_sha256(image),
        "found": explanation.found,
        "geometry": plain(asdict(heatmaps[0].geometry)) if heatmaps else None,
        "methods": [{"method": maps.method, "target": maps.target, "settings": plain(maps.settings),
                     "poles": plain(maps.poles)} for maps in explanation.maps],
        "edge_numbers": measured, "sweep": _sweep(explanation.sweep),
        "detections": [_detection(explanation, index, tables, arrays) for index in range(len(explanation))],
        "provenance": plain(explanation.provenance),
    }, arrays


def edge_tables(explanation: Explanation) -> dict[str, NDArray[np.float64] | None]:
    """What was measured on the edges by name, ``[N, 4]`` each; None where it was not."""
    edges = explanation.edges
    return {
        "evidence": None if edges is None else edges.evidence,
        "percentile": explanation.percentiles,
        "sibling_spread": None if edges is None else edges.sibling_spread,
        "distribution_spread": None if edges is None else edges.distribution_spread,
        "heat_gap": explanation.heat_gap,
    }


def _detection(explanation: Explanation, index: int, tables: dict[str, NDArray[np.float64] | None],
               arrays: Arrays) -> Record:
    found, first = explanation.detections, explanation.maps[0]
    label = int(found.labels[index])
    record = {
        "number": explanation.numbered[index], "box": plain(found.boxes[index]), "label": label,
        "class_name": explanation.class_name(label), "score": float(found.scores[index]),
        "row": int(found.rows[index]), "level": int(found.levels[index]), "cell": plain(found.cells[index]),
        "method": first.method, "target": first.target_of(index), "layer": first.heatmaps[index].layer,
        "status": first.heatmaps[index].status,
    }
    record |= plain(asdict(first.shares[index]))
    if explanation.verdicts:
        record["verdict"] = verdict_record(explanation.verdicts[index])
    record["edges"] = _edges(explanation.edges, index, tables, arrays)
    record["maps"] = [
        {"method": maps.method, "target": maps.target_of(index), "shares": plain(asdict(maps.shares[index]))}
        | heatmap_record(maps.heatmaps[index], f"map{order}_detection{index}", arrays)
        for order, maps in enumerate(explanation.maps)
    ]
    if explanation.sweep is not None:
        record["sweep"] = [heatmap_record(heatmap, f"sweep{order}_detection{index}", arrays)
                           for order, heatmap in enumerate(explanation.sweep.heatmaps[index].values())]
    return record


def _sweep(sweep: Sweep | None) -> Record | None:
    if sweep is None:
        return None
    return {"method": sweep.method, "layers": [{"layer": name, "channels": count, "level": sweep.levels.get(name)}
                                               for name, count in sweep.channels.items()]}


def _edges(edges: Edges | None, index: int, tables: dict[str, NDArray[np.float64] | None], arrays: Arrays) -> Record:
    record: Record = {"layer": None if edges is None else edges.layer[index]}
    for column, edge in enumerate(EDGES):
        record[edge] = {name: plain(table[index, column]) for name, table in tables.items() if table is not None}
        if edges is not None and edges.maps is not None:
            record[edge]["map"] = heatmap_record(edges.maps[index][column], f"{edge}_detection{index}", arrays)
    return record


def heatmap_record(heatmap: Heatmap, key: str, arrays: Arrays) -> Record:
    arrays[key] = np.asarray(heatmap.values, dtype=np.float32)
    return {"layer": heatmap.layer, "status": heatmap.status, "signed": heatmap.signed, "scales": plain(heatmap.scales),
            "grid": plain(asdict(heatmap.grid)), "npz_key": key}


def from_record(record: Record, image: Image, class_names: dict[int, str],
                array: Callable[[str], NDArray[np.float32]]) -> Explanation:
    """The explanation that :func:`to_record` wrote.

    Args:
        record: the JSON data.
        image: the photograph.
        class_names: label to word.
        array: a key to its raw heatmap.

    Raises:
        KeyError, TypeError, ValueError, IndexError, AttributeError: the record is not what to_record writes.
    """
    every = record["detections"]
    geometry = read_geometry(record["geometry"]) if every else None
    maps = tuple(
        Maps(each["method"], each["target"],
             tuple(read_heatmap(one["maps"][order], geometry, array) for one in every),
             tuple(_shares(one["maps"][order]["shares"]) for one in every), each["settings"],
             _targets([str(one["maps"][order]["target"]) for one in every], each["target"]),
             None if each.get("poles") is None else (str(each["poles"][0]), str(each["poles"][1])))
        for order, each in enumerate(record["methods"])
    )
    tables = {name: _table(every, name) for name in record["edge_numbers"] if name != "maps"}
    edges = None
    if "evidence" in tables:
        signed = tuple(tuple(read_heatmap(one["edges"][edge]["map"], geometry, array) for edge in EDGES)
                       for one in every) if "maps" in record["edge_numbers"] else None
        edges = Edges(tables["evidence"], tables["sibling_spread"], tables.get("distribution_spread"),
                      tuple(one["edges"]["layer"] for one in every), signed)
    return Explanation(
        image=image, detections=_detections(every), class_names=class_names, maps=maps, edges=edges,
        percentiles=tables.get("percentile"), heat_gap=tables["heat_gap"], provenance=record["provenance"],
        numbered=tuple(int(one["number"]) for one in every), found=int(record["found"]),
        verdicts=tuple(read_verdict(one["verdict"]) for one in every if "verdict" in one),
        sweep=_read_sweep(record, geometry, array),
    )


def _read_sweep(record: Record, geometry: Geometry | None, array: Callable[[str], NDArray[np.float32]]) -> Sweep | None:
    sweep = record.get("sweep")
    if sweep is None:
        return None
    every = [[read_heatmap(each, geometry, array) for each in one["sweep"]] for one in record["detections"]]
    return Sweep(str(sweep["method"]), {str(each["layer"]): int(each["channels"]) for each in sweep["layers"]},
                 {str(each["layer"]): int(each["level"]) for each in sweep["layers"] if each["level"] is not None},
                 tuple({heatmap.layer: heatmap for heatmap in maps} for maps in every))


def _detections(every: list[Record]) -> Detections:
    def column(name: str, kind: Any) -> NDArray[Any]:
        return np.array([one[name] for one in every], dtype=kind)

    return Detections(
        boxes=column("box", np.float64).reshape(-1, 4), labels=column("label", np.int64),
        scores=column("score", np.float64), rows=column("row", np.int64), levels=column("level", np.int64),
        cells=column("cell", np.int64).reshape(-1, 2),
    )


def _targets(names: list[str], target: str) -> tuple[str, ...]:
    """Each detection's target where they say more than the method's own."""
    return tuple(names) if any(name != target for name in names) else ()


def _number(value: Any) -> float:
    return math.nan if value is None else float(value)


def _table(every: list[Record], name: str) -> NDArray[np.float64]:
    rows = [[_number(one["edges"][edge][name]) for edge in EDGES] for one in every]
    return np.array(rows, dtype=np.float64).reshape(-1, 4)


def _shares(record: Record) -> Shares:
    peak = record["peak_inside"]
    return Shares(**{region: _number(record[region]) for region in REGIONS},
                  peak_inside=None if peak is None else bool(peak))


def _pair(values: Any, kind: type) -> tuple[Any, Any]:
    first, second = values
    return kind(first), kind(second)


def read_geometry(record: Record) -> Geometry:
    return Geometry(_pair(record["source"], int), _pair(record["canvas"], int), _pair(record["scale"], float),
                    _pair(record["offset"], float))


def read_heatmap(record: Record, geometry: Geometry | None, array: Callable[[str], NDArray[np.float32]]) -> Heatmap:
    assert geometry is not None  # there are detections
    grid = Grid(_pair(record["grid"]["stride"], float), _pair(record["grid"]["origin"], float))
    scales = {str(name): _number(scale) for name, scale in record["scales"].items()}
    return Heatmap(array(record["npz_key"]), grid, geometry, str(record["layer"]), str(record["status"]), scales,
                   bool(record.get("signed", False)))
