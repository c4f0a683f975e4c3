"""audit(): batch after batch of a data set to a table, resumable and in bounded memory."""

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from hashlib import sha256
from os.path import commonpath
from pathlib import Path
from typing import Any

import numpy as np

from detcam.attribution.heatmap import Heatmap
from detcam.attribution.layers.names import DEPTH
from detcam.audits.batches import batch_size, batches_of
from detcam.audits.journal import Journal
from detcam.audits.table import NAME, pyarrow, write_table
from detcam.datasets.ground_truth import DataSet, GroundTruth
from detcam.detectors.base import Detector
from detcam.detectors.custom.black_box import UNKNOWN
from detcam.diagnosis.classes import check_classes, words_of
from detcam.diagnosis.diagnose import diagnose_together
from detcam.diagnosis.interventions.fills import check_fill
from detcam.diagnosis.interventions.intervention import FILL
from detcam.diagnosis.result import Diagnosis
from detcam.diagnosis.table import COLUMNS, Row, rows_of
from detcam.errors import STOPS, DataError, error_words
from detcam.explanations.settings import Setting, setting_of
from detcam.imaging.image import Image, load_image
from detcam.interruption import stop_if_asked
from detcam.measures.reference import Reference
from detcam.store.files import output_folder, unique_stems
from detcam.store.heatmaps import save_heatmaps

HEATMAPS = "heatmaps"
PLAIN = (480, 640)  # height and width of the picture that shows which canvas a detector makes


@dataclass
class Outcome:
    """What an audit did.

    Attributes:
        table: the Parquet file, once all photographs are done or the run was interrupted.
        photographs: how many there are.
        before: how many of them were done when it began.
        done: how many are done now.
        rows: how many rows the table has.
        failures: photographs that failed, and why.
        interrupted: whether the user stopped it.
        files: the photographs by their names in the table.
    """

    table: Path
    photographs: int
    before: int = 0
    done: int = 0
    rows: int = 0
    failures: dict[str, str] = field(default_factory=dict)
    interrupted: bool = False
    files: dict[str, Path] = field(default_factory=dict)


def audit(detector: Detector, data: DataSet, out: str | Path, *, classes: str | Sequence[str | int], method: Any = None,
          layer: str | Sequence[str] = DEPTH, min_score: float | None = None, edges: bool = True,
          edge_layer: str | None = None, reference: Reference | None = None, intervene: bool = False,
          fill: str = FILL, heatmaps: bool = True, seed: int = 0, batch: int | None = None,
          step: Callable[[Path, int], None] = lambda path, done: None) -> Outcome:
    """Diagnose every photograph of a data set: a row a detection and a missed object, and its heatmap in a file.

    Every photograph is noted as soon as it is done. Called again with the same folder, an audit that was interrupted
    goes on where it was; photographs that failed are tried again. A photograph that fails never stops it.

    Args:
        detector: from :func:`detcam.load`.
        data: from :func:`detcam.datasets.formats.read_data_set`.
        out: the folder for the table, ``audit.parquet``, and the heatmaps.
        classes: the classes in question, names or indices; a bare name is one class.
        method, layer, min_score, edges, edge_layer, reference, intervene, fill, seed: as :func:`detcam.diagnose`
            takes them.
        heatmaps: whether they are kept.
        batch: how many photographs with canvases of one size go through the network in one pass; None is 8 on a GPU
            and 1 elsewhere. The rows are the same but for rounding. Two-stage detectors, callables, and methods that
            make copies of each photograph take one at a time.
        step: called with a photograph before it is diagnosed, and how many are done.

    Raises:
        ClassNameError, DataError: the detector or the annotations do not know a class, or pyarrow is not installed.
        OutputError: nothing can be written there, or the folder holds another audit.
        InputError, MismatchError: the detector cannot be explained in this way at all.
    """
    pyarrow()
    check_fill(fill)
    classes = words_of(detector, classes)
    check_classes(detector, data, classes)
    options = {"method": method, "layer": layer, "min_score": min_score, "edges": edges, "edge_layer": edge_layer,
               "reference": reference, "intervene": intervene, "fill": fill, "seed": seed}
    settings = settings_of(detector, data, classes, options, heatmaps)
    walk = _Walk(detector, data, classes, options, output_folder(Path(out)), heatmaps)
    size = batch_size(detector, walk.setting, batch)
    names = walk.names
    with Journal(walk.folder, settings) as journal:
        before = sum(name in journal for name in names)
        files = {name: truth.file for name, truth in zip(names, data.photographs, strict=True)}
        outcome = Outcome(walk.folder / NAME, len(names), before, files=files)
        tried = before
        try:
            for places in batches_of(detector, list(files.values()), size):
                missing = [place for place in places if names[place] not in journal]
                if not missing:
                    continue
                stop_if_asked()
                for place in missing:
                    step(data.photographs[place].file, tried)
                    tried += 1
                walk.take(places, journal)
        except KeyboardInterrupt:
            outcome.interrupted = True
        outcome.done = sum(name in journal for name in names)
        outcome.failures = {name: journal.failed[name] for name in names if name in journal.failed}
        outcome.rows = write_table(journal.rows(names), outcome.table)
    return outcome


class _Walk:
    """Batch after batch of a data set to rows in a journal and heatmaps in files."""

    def __init__(self, detector: Detector, data: DataSet, classes: Sequence[str], options: dict[str, Any], folder: Path,
                 heatmaps: bool) -> None:
        self.detector, self.data, self.classes, self.folder = detector, data, classes, folder
        self.setting, self.probing = _split(detector, options)
        self.names = names_of(data.photographs)
        self.stems = unique_stems(self.names) if heatmaps else None
        if heatmaps:
            output_folder(folder / HEATMAPS)

    def take(self, places: Sequence[int], journal: Journal) -> None:
        """Diagnose the photographs at these places of the data set together, and note those that are not yet noted.

        What goes wrong with several of them is looked for one by one.
        """
        photos: dict[int, Image] = {}
        for place in places:
            try:
                photos[place] = load_image(self.data.photographs[place].file)
            except Exception as error:  # one photograph, whatever is wrong with it, never stops a run
                self._fail(place, error, journal)
        try:
            for place, rows in self._rows(photos):
                if self.names[place] not in journal:
                    journal.add(self.names[place], [list(row.values()) for row in rows])
        except STOPS:
            raise
        except Exception as error:
            if len(photos) == 1:
                self._fail(next(iter(photos)), error, journal)
                return
            for place in photos:
                if self.names[place] not in journal:
                    self.take([place], journal)

    def _fail(self, place: int, error: Exception, journal: Journal) -> None:
        if self.names[place] not in journal:
            journal.fail(self.names[place], error_words(error))

    def _rows(self, photos: dict[int, Image]) -> Iterator[tuple[int, list[Row]]]:
        """The rows of each photograph; its heatmaps are in their file before."""
        if not photos:
            return
        with redirect_stdout(sys.stderr):  # libraries that print do not belong into the table
            found = diagnose_together(
                self.detector, list(photos.values()), [self.data.photographs[place] for place in photos], self.setting,
                classes=self.classes, annotated=self.data.class_names, differences=False, **self.probing)
        for place, diagnosis in zip(photos, found, strict=True):
            yield place, self._kept(diagnosis, place)

    def _kept(self, diagnosis: Diagnosis, place: int) -> list[Row]:
        rows = rows_of(diagnosis, self.names[place])
        maps = _maps(diagnosis)
        if self.stems is None or not maps:
            return rows
        path = self.folder / HEATMAPS / f"{self.stems[place]}.npz"
        save_heatmaps(dict(keyed(maps)), path)
        for row, (key, _) in zip((row for row in rows if row["layer"] is not None), keyed(maps), strict=True):
            row |= {"heatmap": f"{HEATMAPS}/{path.name}", "heatmap_key": key}
        return rows


def _maps(diagnosis: Diagnosis) -> list[Heatmap]:
    """The first method's map of every row of the table that has one, in the table's order."""
    found = list(diagnosis.boxes.maps[0].heatmaps)
    if diagnosis.lost is not None:
        found += [diagnosis.lost.maps[0].heatmaps[each.row] for each in diagnosis.missed if each.row is not None]
    return found


def keyed(maps: Sequence[Heatmap]) -> list[tuple[str, Heatmap]]:
    """Maps with the keys that their file has them under."""
    return [(f"map{order}", heatmap) for order, heatmap in enumerate(maps)]


def names_of(photographs: Sequence[GroundTruth]) -> list[str]:
    """What photographs are called in a table: their paths below the folder that holds all of them.

    Raises:
        DataError: the same photograph is there twice.
    """
    files = [each.file.absolute() for each in photographs]
    if len(set(files)) < len(files):
        twice = next(file for file in files if files.count(file) > 1)
        raise DataError(f"{twice}: is listed twice in the annotations; an audit counts each photograph once")
    if not files:
        raise DataError("the annotations list no photograph")
    root = Path(commonpath([file.parent for file in files]))
    return [file.relative_to(root).as_posix() for file in files]


def settings_of(detector: Detector, data: DataSet, classes: Sequence[str], options: dict[str, Any],
                heatmaps: bool = True) -> dict[str, Any]:
    """Everything that the rows of an audit depend on, in words and numbers.

    Args:
        detector, data, classes, heatmaps: as :func:`audit` takes them.
        options: its further keyword arguments, all of them optional.
    """
    setting, probing = _split(detector, options)
    setting.layers(detector)  # an unknown one is said before anything is written
    reference = setting.reference
    digest = sha256(repr(data.class_names).encode())
    for name, truth in zip(names_of(data.photographs), data.photographs, strict=True):
        digest.update(repr((name, truth.class_names, truth.masks)).encode())
        digest.update(truth.boxes.tobytes() + truth.crowd.tobytes() + truth.difficult.tobytes())
    return _model_settings(detector) | {
        "photographs": len(data), "annotations": digest.hexdigest()[:16], "classes": list(classes),
        "methods": {each.name: repr(sorted(each.settings.items())) for each in setting.methods},
        "layer": setting.layer if isinstance(setting.layer, str) else list(setting.layer),
        "min_score": setting.min_score, "edges": setting.edges,
        "edge_layer": setting.edge_layer, "reference": None if reference is None else reference.source,
        "seed": setting.seed, "heatmaps": heatmaps, "columns": list(COLUMNS),
    } | probing


def _split(detector: Detector, options: dict[str, Any]) -> tuple[Setting, dict[str, Any]]:
    """What is done with every row, and what is hidden from it, of an audit's options."""
    probing = {"intervene": options.get("intervene", False), "fill": options.get("fill", FILL)}
    own = {"edges": True} | {name: value for name, value in options.items() if name not in probing}
    return setting_of(detector, **own, edge_maps=own["edges"] and detector.has_edges), probing


def _model_settings(detector: Detector) -> dict[str, Any]:
    """Which model it is, and how it is run: the same weights may serve several canvas sizes, heads and class names."""
    canvas = detector.canvas(Image(np.zeros((*PLAIN, 3), np.uint8), "plain"))
    found: dict[str, Any] = {
        "weights": detector.fingerprint, "architecture": detector.architecture,
        "class_names": sha256(repr(sorted(detector.class_names.items())).encode()).hexdigest()[:16],
        "canvas": list(canvas.pixels.shape[-2:]), "end_to_end": bool(getattr(detector, "end2end", False))}
    return found | ({"model": detector.name} if found["weights"] == UNKNOWN else {})
