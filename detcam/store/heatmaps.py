"""The raw heatmaps of one photograph, written to a file and read back."""

import json
import zipfile
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

import numpy as np

from detcam.attribution.heatmap import Heatmap
from detcam.errors import DataError
from detcam.store.decode import read_geometry, read_heatmap
from detcam.store.encode import Arrays, heatmap_record, json_value
from detcam.store.files import written_whole
from detcam.store.versions import upgraded_heatmap

RECORDS = "records"  # the key of the JSON that describes the maps


def save_heatmaps(heatmaps: Mapping[str, Heatmap], path: Path) -> None:
    """Write raw heatmaps of one photograph as an ``.npz``.

    Args:
        heatmaps: by a key each.
        path: the file; it is replaced if it exists.

    Raises:
        OutputError: the file cannot be written.
    """
    arrays: Arrays = {}
    records = {key: heatmap_record(heatmap, key, arrays) | {"geometry": json_value(asdict(heatmap.geometry))}
               for key, heatmap in heatmaps.items()}
    text = np.frombuffer(json.dumps(records).encode(), np.uint8)
    with written_whole(path) as file:
        np.savez_compressed(file, **{RECORDS: text}, **arrays)  # type: ignore[arg-type]


def load_heatmaps(path: str | Path) -> dict[str, Heatmap]:
    """Read the heatmaps that :func:`save_heatmaps` wrote, by their keys.

    Raises:
        DataError: there is no such file, or it does not hold heatmaps.
    """
    try:
        with np.load(path, allow_pickle=False) as stored:
            records = json.loads(bytes(stored[RECORDS]).decode())
            return {key: read_heatmap(upgraded_heatmap(record), read_geometry(record["geometry"]), stored.__getitem__)
                    for key, record in records.items()}
    except FileNotFoundError:
        raise DataError(f"{path}: no such file") from None
    except (OSError, ValueError, KeyError, TypeError, AttributeError, zipfile.BadZipFile) as error:
        raise DataError(f"{path}: not a file of heatmaps ({type(error).__name__} {error})") from None
