"""Which shortcut audits name: tiny detectors with planted faults, audited again and again, and a real one beside them.

The detectors and their pictures are those of ``detcam/evaluation/planted_faults``; they need ``DETCAM_ASSETS``. Limits
are set on the part ``calibrate``, with detectors of other seeds and pictures of other persons and backgrounds than
those of ``report``.
"""

import sys

if __name__ == "__main__":  # before the other imports, which take seconds
    from detcam.cli.main import run_script

    sys.exit(run_script(__file__))

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pandas as pd
import typer
from numpy.typing import NDArray

import detcam
from detcam.audits.shortcut_findings import (
    FINDING_LIMITS,
    HOTTEST_CORNER,
    HOTTEST_SIDE,
    Finding,
    boxes_over_limit,
    extra_loss,
    find_shortcuts,
    pattern_column,
)
from detcam.cli.console import tracked
from detcam.cli.reports import check_folders, print_markdown, write_text
from detcam.datasets.formats import read_data_set
from detcam.datasets.ground_truth import GroundTruth
from detcam.detectors.base import Detector
from detcam.diagnosis.attention.shortcuts import CONTEXT, CORNERS, LIMITS, ONE_SIDE, PATTERNS, SPREAD, excess
from detcam.diagnosis.diagnose import diagnose
from detcam.diagnosis.error_types import CORRECT
from detcam.diagnosis.interventions.fills import check_fill
from detcam.diagnosis.interventions.shortcut_probes import LEFT_RIGHT, PROBES, TOP_BOTTOM
from detcam.diagnosis.table import COLUMNS, rows_of
from detcam.stats.bootstrap import mean
from detcam.stats.effect_size import cliffs_delta

SOUND = ("sound", "tall")  # no shortcut: the boxes of "tall" are wrong, not what they rest on
FAULTS = {"marker": CONTEXT, "corner": CORNERS, "left_half": ONE_SIDE, "background": SPREAD}
ASKED = {CORNERS: CORNERS, CONTEXT: CONTEXT, SPREAD: SPREAD, ONE_SIDE: LEFT_RIGHT}  # the question of each fault
APART = 100  # between the picture seeds of a detector's audits: a multiple of the four corners
REAL = "real"
WORDS = (HOTTEST_CORNER, HOTTEST_SIDE)
Audits = list[tuple[str, pd.DataFrame]]


def main(
    rows: Annotated[Path, typer.Option(help="Parquet file of all rows: read if it is there, made otherwise.")],
    part: Annotated[str, typer.Option(help="Of the pictures: calibrate or report.")] = "report",
    seeds: Annotated[list[int] | None, typer.Option("--seed", help="Of detectors; repeatable. None: 0 to 4.")] = None,
    audits: Annotated[int, typer.Option(min=1, help="Audits of each detector, with pictures of their own.")] = 2,
    sound_audits: Annotated[int, typer.Option(min=1, help="The same of detectors without a shortcut.")] = 4,
    pictures: Annotated[int, typer.Option(min=5, help="Pictures of an audit.")] = 100,
    fills: Annotated[list[str] | None, typer.Option("--fill", help="What hides; repeatable.")] = None,
    images: Annotated[Path | None, typer.Option(help="Photographs for the detector that ships.")] = None,
    annotations: Annotated[Path | None, typer.Option(help="Their true boxes.")] = None,
    draw: Annotated[int, typer.Option(help="Where the draw of these photographs starts from.")] = 0,
    resamples: Annotated[int, typer.Option(min=100, help="How often the photographs are drawn.")] = 1000,
    markdown: Annotated[Path | None, typer.Option(help="Write the tables as Markdown here.")] = None,
) -> None:
    """Audit every detector, and print what is named, per audit and per box, and how far faults stand apart."""
    shown = fills or ["grey"]
    for fill in shown:
        check_fill(fill)
    check_folders(rows, markdown)
    if not rows.exists():
        found = list(_planted(part, seeds or list(range(5)), audits, sound_audits, pictures, shown))
        if images is not None and annotations is not None:
            found += list(_real(images, annotations, pictures, shown, draw))
        pd.concat(found, ignore_index=True).to_parquet(rows)
    table = pd.read_parquet(rows)
    lines = "\n".join(_tables(table, resamples))
    print_markdown(lines)
    if markdown is not None:
        write_text(markdown, lines + "\n")


def _planted(part: str, seeds: list[int], audits: int, sound_audits: int, pictures: int, fills: list[str]
             ) -> Iterator[pd.DataFrame]:
    from detcam.evaluation.planted_faults.zoo import KINDS, audit_folder, detector_of

    jobs = [(kind, seed, audit) for kind in KINDS for seed in seeds
            for audit in range(sound_audits if kind in SOUND else audits)]
    for kind, seed, audit in tracked(jobs, "audits"):
        with tempfile.TemporaryDirectory() as folder:
            data = read_data_set(audit_folder(kind, seed + APART * audit, pictures, part, Path(folder)))
            for fill in fills:
                yield _rows(detector_of(kind, seed), data.photographs, fill).assign(
                    kind_of=kind, seed=seed, audit=audit, fill=fill)


def _real(images: Path, annotations: Path, pictures: int, fills: list[str], draw: int) -> Iterator[pd.DataFrame]:
    """The detector that ships, on photographs with persons."""
    data = read_data_set(annotations, images)
    own = [each for each in data.photographs if len(each.of_class("person"))]
    chosen = np.random.default_rng(draw).permutation(len(own))[:pictures]
    for fill in fills:
        yield _rows(detcam.load("detcam-person-ssd"), [own[index] for index in chosen], fill).assign(
            kind_of=REAL, seed=0, audit=0, fill=fill)


def _rows(detector: Detector, photographs: Any, fill: str) -> pd.DataFrame:
    """The detections that found their object."""
    found: list[dict[str, Any]] = []
    truth: GroundTruth
    for truth in photographs:
        diagnosis = diagnose(detector, truth.file, truth, classes=["person"], annotated=["person"], edges=False,
                             differences=False, intervene=True, fill=fill)
        found += [row for row in rows_of(diagnosis, truth.file.name) if row["type"] == CORRECT.name]
    names = [name for name in COLUMNS if name in (*WORDS, "photograph", "score") or name.startswith("occlusion_")
             or name.endswith(("_score", "_chance"))]
    return pd.DataFrame(found)[names].assign(photographs=len(photographs))


def _tables(table: pd.DataFrame, resamples: int) -> Iterator[str]:
    for fill, own in table.groupby("fill", sort=False):
        audits = [(str(kind), each) for kind, some in own.groupby("kind_of", sort=False)
                  for _, each in some.groupby(["seed", "audit"], sort=False)]
        yield f"\n## Filled with {fill}\n"
        yield from _audit_table(audits, resamples)
        yield ""
        yield from _limit_table(audits, resamples)
        yield ""
        yield from _picture_table(own)
        yield ""
        yield from _box_table(own)
    yield "\n## By heat alone\n"
    yield from _heat_table(table[table.fill == table.fill.iloc[0]])


def _audit_table(audits: Audits, resamples: int) -> Iterator[str]:
    """What is named."""
    told = [(kind, find_shortcuts(*_columns(rows), resamples, 0)) for kind, rows in audits]
    yield "| detectors | audits | fault named | something else named | lower ends of its effect |"
    yield "| --- | --- | --- | --- | --- |"
    for kind in dict.fromkeys(kind for kind, _ in told):
        own = [found for each, found in told if each == kind]
        fault = FAULTS.get(kind)
        named = [{each.name: each for each in found if each.named} for found in own]
        right = "-" if fault is None else f"{np.mean([_right(kind, each) for each in named]):.0%}"
        wrong = np.mean([bool(each.keys() - {fault}) for each in named])
        what = sorted({f"{each.name} {each.where}".strip() for some in named for each in some.values()
                       if each.name != fault})
        lows = [each.effect.low for found in own for each in found if each.name == fault]
        span = f"{min(lows):.2f} to {max(lows):.2f}" if lows else ""
        yield f"| {kind} | {len(own)} | {right} | {wrong:.0%}{' (' + ', '.join(what) + ')' if what else ''} | {span} |"


def _limit_table(audits: Audits, resamples: int) -> Iterator[str]:
    """What the limits are set from: lower ends of each question's effect, with its fault and without."""
    yield "| hidden | lowest lower end with the fault | highest without, in an audit of | halfway | limit |"
    yield "| --- | --- | --- | --- | --- |"
    spots = [_spot(find_shortcuts(*_columns(rows), resamples, 0)) for _, rows in audits]
    for question, limit in FINDING_LIMITS.items():
        ends = [(_lower_end(rows, question, resamples), kind) for kind, rows in audits]
        own = [end for end, kind in ends if ASKED.get(FAULTS.get(kind, "")) == question]
        rest = [each for each, spot in zip(ends, spots, strict=True)
                if ASKED.get(FAULTS.get(each[1], "")) != question and not (question == SPREAD and spot)]
        highest, kind = max(rest)
        lowest, halfway = (f"{min(own):.2f}", f"{(min(own) + highest) / 2:.2f}") if own else ("", "")
        yield f"| {question} | {lowest} | {highest:.2f}, {kind} | {halfway} | {limit:.2f} |"


def _lower_end(rows: pd.DataFrame, question: str, resamples: int) -> float:
    """Of a question's mean effect; of the larger of two halves."""
    columns, photograph = _columns(rows)
    values = extra_loss(columns, question)
    signs = (1, -1) if question in (LEFT_RIGHT, TOP_BOTTOM) else (1,)
    return max(mean(sign * values, photograph, resamples, 0)[0].low for sign in signs)


def _spot(found: tuple[Finding, ...]) -> bool:
    """Whether a single spot is named, which explains what hiding all around takes."""
    return any(each.named for each in found if each.name in (CORNERS, CONTEXT))


def _right(kind: str, named: dict[str, Finding]) -> bool:
    fault = FAULTS[kind]
    return fault in named and (fault != ONE_SIDE or named[fault].where == "left")


def _picture_table(rows: pd.DataFrame) -> Iterator[str]:
    """The same verdicts of single pictures: those with a box that loses more than the limit itself."""
    yield "| detectors | pictures with a box | fault told | " + " | ".join(PATTERNS) + " |"
    yield "| --- | --- | --- |" + " --- |" * len(PATTERNS)
    for kind, own in rows.groupby("kind_of", sort=False):
        pictures = pd.DataFrame(boxes_over_limit(_columns(own)[0]), index=own.index).groupby(
            [own.seed, own.audit, own.photograph]).any()
        fault = FAULTS.get(str(kind))
        right = "-" if fault is None else f"{pictures[fault].mean():.0%}"
        cells = " | ".join(f"{pictures[name].mean():.0%}" for name in PATTERNS)
        yield f"| {kind} | {len(pictures)} | {right} | {cells} |"


def _box_table(rows: pd.DataFrame) -> Iterator[str]:
    """Each question's effect box by box: its mean, and how well it tells a fault's boxes from the sound ones."""
    yield "| detectors | boxes | " + " | ".join(PROBES) + " | fault's boxes above sound ones |"
    yield "| --- | --- |" + " --- |" * (len(PROBES) + 1)
    sound = rows[rows.kind_of == "sound"]
    for kind, own in rows.groupby("kind_of", sort=False):
        cells = [f"{_mean(own, question, 'loss'):.2f} / {_mean(own, question, 'control_loss'):.2f}"
                 for question in PROBES]
        fault, apart = FAULTS.get(str(kind)), ""
        if fault is not None:
            apart = _larger(extra_loss(_columns(own)[0], ASKED[fault]), extra_loss(_columns(sound)[0], ASKED[fault]))
        yield f"| {kind} | {len(own)} | {' | '.join(cells)} | {apart} |"


def _heat_table(rows: pd.DataFrame) -> Iterator[str]:
    """The same of the heatmaps' excess over chance, with the share of boxes that are flagged."""
    yield "| detectors | boxes | " + " | ".join(PATTERNS) + " | fault's boxes above sound ones |"
    yield "| --- | --- |" + " --- |" * (len(PATTERNS) + 1)
    above = {name: pd.Series(excess(*(rows[pattern_column(name, what)].to_numpy(float)
                                      for what in ("score", "chance"))), index=rows.index) for name in PATTERNS}
    sound = rows.kind_of == "sound"
    for kind in rows.kind_of.unique():
        own = rows.kind_of == kind
        cells = [f"{values[own].median():.2f}, flagged {(values[own] > LIMITS[name]).mean():.0%}"
                 for name, values in above.items()]
        fault = FAULTS.get(kind)
        apart = "" if fault is None else _larger(above[fault][own].to_numpy(), above[fault][sound].to_numpy())
        yield f"| {kind} | {own.sum()} | {' | '.join(cells)} | {apart} |"
    for share in (0.95, 0.99):
        limits = [f"{values[sound].quantile(share):.2f}" for values in above.values()]
        yield f"| {share:.0%} of the sound boxes are below | | {' | '.join(limits)} | |"


def _larger(fault: NDArray[np.float64], sound: NDArray[np.float64]) -> str:
    """How often a box with the fault has the larger value than a sound one."""
    values = np.concatenate([fault, sound])
    group = np.arange(len(values)) < len(fault)
    delta, _ = cliffs_delta(values, group, np.arange(len(values)), None, 1)
    return f"{(delta.value + 1) / 2:.0%}"


def _mean(rows: pd.DataFrame, question: str, what: str) -> float:
    return float(rows[f"occlusion_{question.replace(' ', '_')}_{what}"].clip(-1, 1).mean())


def _columns(rows: pd.DataFrame) -> tuple[dict[str, NDArray[Any]], NDArray[np.int64]]:
    """What :func:`find_shortcuts` takes."""
    return ({name: rows[name].to_numpy(object if name in WORDS else float) for name in rows.columns
             if name in WORDS or name.endswith(("_score", "_chance", "_loss"))}, pd.factorize(rows.photograph)[0])
