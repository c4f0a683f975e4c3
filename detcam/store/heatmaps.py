"""The heatmaps of one photograph in a file of their own, and back."""

import json
import zipfile
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

import numpy as np

from detcam.attribution.heatmap import Heatmap
from detcam.errors import DataError
from detcam.store.files import written_whole
from detcam.store.records import Arrays, heatmap_record, plain, read_geometry, read_heatmap

RECORDS = "records"  # the key under which the file says where each map lies, as JSON


def save_heatmaps(heatmaps: Mapping[str, Heatmap], path: Path) -> None:
    """Write raw heatmaps of one photograph by their keys, as an ``.npz``.

    Raises:
        OutputError: it cannot be written.
    """
    arrays: Arrays = {}
    records = {key: heatmap_record(heatmap, key, arrays) | {"geometry": plain(asdict(heatmap.geometry))}
               for key, heatmap in heatmaps.items()}
    words = np.frombuffer(json.dumps(records).encode(), np.uint8)
    with written_whole(path) as file:
        np.savez_compressed(file, **{RECORDS: words}, **arrays)  # type: ignore[arg-type]


def load_heatmaps(path: str | Path) -> dict[str, Heatmap]:
    """The heatmaps that :func:`save_heatmaps` wrote.

    Raises:
        DataError: there is no such file, or it is not one of those.
    """
    try:
        with np.load(path, allow_pickle=False) as stored:
            records = json.loads(bytes(stored[RECORDS]).decode())
            return {key: read_heatmap(record, read_geometry(record["geometry"]), stored.__getitem__)
                    for key, record in records.items()}
    except FileNotFoundError:
        raise DataError(f"{path}: no such file") from None
    except (OSError, ValueError, KeyError, TypeError, AttributeError, zipfile.BadZipFile) as error:
        raise DataError(f"{path}: not a file of heatmaps ({type(error).__name__} {error})") from None
