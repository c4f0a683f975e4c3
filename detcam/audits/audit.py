"""audit(): from a data set to a table of its detections and missed objects, resumable and in bounded memory."""

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
from detcam.diagnosis.classes import check_classes, names_of_classes
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
PLAIN = (480, 640)  # height and width of a blank photograph: its canvas tells how a detector is run


@dataclass
class Outcome:
    """The outcome of an audit.

    Attributes:
        table: the Parquet file, written once all photographs are done or the run was interrupted.
        photographs: number of photographs in the data set.
        before: number of them done when this run began.
        done: number of them done now.
        rows: number of rows in the table.
        failures: name of each photograph that failed to the reason.
        interrupted: whether the user stopped the run.
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
    """Diagnose every photograph of a data set: a row a detection or missed object, with its heatmap in a file.

    Each photograph is saved as soon as it is done. An interrupted audit resumes when it is called again with the same
    folder; photographs that failed are tried again. A photograph that fails never stops an audit.

    Args:
        detector: from :func:`detcam.load`.
        data: from :func:`detcam.datasets.formats.read_data_set`.
        out: the folder for the table, ``audit.parquet``, and the heatmaps.
        classes: the classes in question, names or indices; a bare name is one class.
        method: a name, a :class:`detcam.Method`, a function ``(activations, gradients) -> [h, w]``, or a list of those;
            None is ``"hirescam"``, and ``"drise"`` for a plain callable. Only the first one's heatmaps are measured.
        layer: ``"depth"`` (the box's own level fused with shallower layers), ``"auto"`` (the box's own level), a
            layer's name, or a list of names to fuse.
        min_score: detections with a score above this, from 0 to 1; None is the detector's own.
        edges: measure the evidence on each edge and what moves it outward, if the boxes have edges to explain.
        edge_layer: the layer at which the evidence on the edges is measured; None for the default one.
        reference: the evidence on the edges of accurate boxes, to rank by; None for the one shipped for these weights.
        intervene: occlude suspicious regions and read the same raw rows again, beside control occlusions. About a
            dozen forward passes a box.
        fill: what an occluded region is filled with: a name of :data:`detcam.diagnosis.interventions.fills.FILLS`.
        heatmaps: whether heatmaps are saved.
        seed: of all random draws.
        batch: photographs with canvases of one size in one forward pass at most; None is 8 on a GPU and 1 elsewhere.
            The rows are the same but for rounding. Two-stage detectors, callables, and methods that make copies of
            each photograph take one at a time.
        step: called before each photograph with its path and the number of photographs done.

    Raises:
        ClassNameError: the detector does not know a class.
        DataError: the annotations do not know a class, or pyarrow is not installed.
        OutputError: nothing can be written there, or the folder holds another audit.
        InputError, MismatchError: the detector cannot be explained in this way at all.
    """
    pyarrow()
    check_fill(fill)
    classes = names_of_classes(detector, classes)
    check_classes(detector, data, classes)
    options = {"method": method, "layer": layer, "min_score": min_score, "edges": edges, "edge_layer": edge_layer,
               "reference": reference, "intervene": intervene, "fill": fill, "seed": seed}
    settings = settings_of(detector, data, classes, options, heatmaps)
    run = _Run(detector, data, classes, options, output_folder(Path(out)), heatmaps)
    size = batch_size(detector, run.setting, batch)
    names = run.names
    with Journal(run.folder, settings) as journal:
        before = sum(name in journal for name in names)
        files = {name: truth.file for name, truth in zip(names, data.photographs, strict=True)}
        outcome = Outcome(run.folder / NAME, len(names), before, files=files)
        tried = before
        try:
            for batch_indices in batches_of(detector, list(files.values()), size):
                missing = [i for i in batch_indices if names[i] not in journal]
                if not missing:
                    continue
                stop_if_asked()
                for i in missing:
                    step(data.photographs[i].file, tried)
                    tried += 1
                run.diagnose(batch_indices, journal)
        except KeyboardInterrupt:
            outcome.interrupted = True
        outcome.done = sum(name in journal for name in names)
        outcome.failures = {name: journal.failed[name] for name in names if name in journal.failed}
        outcome.rows = write_table(journal.rows(names), outcome.table)
    return outcome


class _Run:
    """From photographs of a data set to rows in a journal and heatmaps in files, a batch at a time."""

    def __init__(self, detector: Detector, data: DataSet, classes: Sequence[str], options: dict[str, Any], folder: Path,
                 heatmaps: bool) -> None:
        self.detector, self.data, self.classes, self.folder = detector, data, classes, folder
        self.setting, self.intervention = _split(detector, options)
        self.names = names_of(data.photographs)
        self.stems = unique_stems(self.names) if heatmaps else None
        if heatmaps:
            output_folder(folder / HEATMAPS)

    def diagnose(self, indices: Sequence[int], journal: Journal) -> None:
        """Diagnose the photographs at these indices of the data set together, and note those that are not yet noted.

        If something goes wrong with several photographs, each is tried alone.
        """
        photos: dict[int, Image] = {}
        for i in indices:
            try:
                photos[i] = load_image(self.data.photographs[i].file)
            except Exception as error:  # one photograph, whatever is wrong with it, never stops a run
                self._fail(i, error, journal)
        try:
            for i, rows in self._rows(photos):
                if self.names[i] not in journal:
                    journal.add(self.names[i], [list(row.values()) for row in rows])
        except STOPS:
            raise
        except Exception as error:
            if len(photos) == 1:
                self._fail(next(iter(photos)), error, journal)
                return
            for i in photos:
                if self.names[i] not in journal:
                    self.diagnose([i], journal)

    def _fail(self, i: int, error: Exception, journal: Journal) -> None:
        if self.names[i] not in journal:
            journal.fail(self.names[i], error_words(error))

    def _rows(self, photos: dict[int, Image]) -> Iterator[tuple[int, list[Row]]]:
        """The rows of each photograph, whose heatmaps are saved before."""
        if not photos:
            return
        with redirect_stdout(sys.stderr):  # what libraries print does not belong into the command's output
            diagnoses = diagnose_together(
                self.detector, list(photos.values()), [self.data.photographs[i] for i in photos], self.setting,
                classes=self.classes, annotated=self.data.class_names, differences=False, **self.intervention)
        for i, diagnosis in zip(photos, diagnoses, strict=True):
            yield i, self._with_heatmaps(diagnosis, i)

    def _with_heatmaps(self, diagnosis: Diagnosis, i: int) -> list[Row]:
        rows = rows_of(diagnosis, self.names[i])
        maps = _maps(diagnosis)
        if self.stems is None or not maps:
            return rows
        path = self.folder / HEATMAPS / f"{self.stems[i]}.npz"
        save_heatmaps(dict(keyed(maps)), path)
        for row, (key, _) in zip((row for row in rows if row["layer"] is not None), keyed(maps), strict=True):
            row |= {"heatmap": f"{HEATMAPS}/{path.name}", "heatmap_key": key}
        return rows


def _maps(diagnosis: Diagnosis) -> list[Heatmap]:
    """The first method's heatmap of every row of the table that has one, in the table's order."""
    heatmaps = list(diagnosis.boxes.maps[0].heatmaps)
    if diagnosis.best_rows is not None:
        of_rows = diagnosis.best_rows.maps[0].heatmaps
        heatmaps += [of_rows[missed.row] for missed in diagnosis.missed if missed.row is not None]
    return heatmaps


def keyed(maps: Sequence[Heatmap]) -> list[tuple[str, Heatmap]]:
    """Heatmaps with their keys in the file: ``map0``, ``map1`` and so on."""
    return [(f"map{i}", heatmap) for i, heatmap in enumerate(maps)]


def names_of(photographs: Sequence[GroundTruth]) -> list[str]:
    """The names of photographs in a table: their paths below the folder that holds all of them.

    Raises:
        DataError: there is none, or one is listed twice.
    """
    files = [truth.file.absolute() for truth in photographs]
    if len(set(files)) < len(files):
        twice = next(file for file in files if files.count(file) > 1)
        raise DataError(f"{twice}: is listed twice in the annotations; an audit counts each photograph once")
    if not files:
        raise DataError("the annotations list no photograph")
    root = Path(commonpath([file.parent for file in files]))
    return [file.relative_to(root).as_posix() for file in files]


def settings_of(detector: Detector, data: DataSet, classes: Sequence[str], options: dict[str, Any],
                heatmaps: bool = True) -> dict[str, Any]:
    """Everything that the rows of an audit depend on, as JSON values.

    Args:
        detector: from :func:`detcam.load`.
        data: from :func:`detcam.datasets.formats.read_data_set`.
        classes: the classes in question.
        options: further keyword arguments of :func:`audit`, all of them optional.
        heatmaps: whether heatmaps are saved.
    """
    setting, intervention = _split(detector, options)
    setting.layers(detector)  # raises for an unknown one before anything is written
    reference = setting.reference
    digest = sha256(repr(data.class_names).encode())
    for name, truth in zip(names_of(data.photographs), data.photographs, strict=True):
        digest.update(repr((name, truth.class_names, truth.masks)).encode())
        digest.update(truth.boxes.tobytes() + truth.crowd.tobytes() + truth.difficult.tobytes())
    return _model_settings(detector) | {
        "photographs": len(data), "annotations": digest.hexdigest()[:16], "classes": list(classes),
        "methods": {method.name: repr(sorted(method.settings.items())) for method in setting.methods},
        "layer": setting.layer if isinstance(setting.layer, str) else list(setting.layer),
        "min_score": setting.min_score, "edges": setting.edges,
        "edge_layer": setting.edge_layer, "reference": None if reference is None else reference.source,
        "seed": setting.seed, "heatmaps": heatmaps, "columns": list(COLUMNS),
    } | intervention


def _split(detector: Detector, options: dict[str, Any]) -> tuple[Setting, dict[str, Any]]:
    """An audit's options, those for every row's explanation apart from those for interventions."""
    intervention = {"intervene": options.get("intervene", False), "fill": options.get("fill", FILL)}
    rest = {"edges": True} | {name: value for name, value in options.items() if name not in intervention}
    return setting_of(detector, **rest, edge_maps=rest["edges"] and detector.has_edges), intervention


def _model_settings(detector: Detector) -> dict[str, Any]:
    """Which model it is, and how it is run: one file of weights serves several canvas sizes, heads and class names."""
    canvas = detector.canvas(Image(np.zeros((*PLAIN, 3), np.uint8), "plain"))
    settings: dict[str, Any] = {
        "weights": detector.fingerprint, "architecture": detector.architecture,
        "class_names": sha256(repr(sorted(detector.class_names.items())).encode()).hexdigest()[:16],
        "canvas": list(canvas.pixels.shape[-2:]), "end_to_end": bool(getattr(detector, "end2end", False))}
    return settings | ({"model": detector.name} if settings["weights"] == UNKNOWN else {})
