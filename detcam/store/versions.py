"""Records of version 1 of ``explanations.json``, brought to the present version: one table of names for each place."""

from typing import Any

SCHEMA = 2
VERSIONS = (1, SCHEMA)  # those that can be read
Record = dict[str, Any]

IMAGE_KEYS = {"found": "detection_count", "edge_numbers": "edge_measures", "file_from_here": "relative_path",
              "npz": "heatmap_file", "class_names": "class_names_index"}
METHOD_KEYS = {"poles": "sign_meanings"}
HEATMAP_KEYS = {"npz_key": "heatmap_key"}
SIGN_MEANINGS = {"pulls it out": "outward", "pulls it in": "inward", "lower": "shorter"}
"""The names of version 1, each with its present one."""


def upgraded_image(record: Record, version: int) -> Record:
    """A photograph's record with the present names.

    Args:
        record: as ``explanations.json`` holds it.
        version: the ``schema_version`` of that file.

    Raises:
        KeyError, TypeError, ValueError, AttributeError: it is not such a record.
    """
    if version != 1:
        return record
    record = _renamed(record, IMAGE_KEYS)
    return {**record, "methods": [_method(method) for method in record["methods"]],
            "detections": [_detection(detection) for detection in record["detections"]]}


def upgraded_heatmap(record: Record) -> Record:
    """A heatmap's record of any version with the present names."""
    return _renamed(record, HEATMAP_KEYS)


def _method(record: Record) -> Record:
    record = _renamed(record, METHOD_KEYS)
    meanings = record.get("sign_meanings")  # the first files of version 1 have none
    return {**record, "sign_meanings": meanings and [SIGN_MEANINGS.get(text, text) for text in meanings]}


def _detection(record: Record) -> Record:
    heatmaps: Record = {name: [upgraded_heatmap(one) for one in record[name]]
                        for name in ("maps", "sweep") if name in record}
    return {**record, **heatmaps, "edges": {name: _edge(value) for name, value in record["edges"].items()}}


def _edge(value: Any) -> Any:
    """The numbers and the map of one edge; the name of the edges' layer, beside them, stays as it is."""
    if isinstance(value, dict) and "map" in value:
        return {**value, "map": upgraded_heatmap(value["map"])}
    return value


def _renamed(record: Record, names: dict[str, str]) -> Record:
    return {names.get(key, key): value for key, value in record.items()}
