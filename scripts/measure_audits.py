"""What audits say of detectors with planted faults, all of it, and how many photographs they need for that.

The detectors and their pictures are those of ``detcam/evaluation/planted_faults``; they need ``DETCAM_ASSETS``.
"""

import sys

if __name__ == "__main__":  # before the other imports, which take seconds
    from detcam.cli.main import run_script

    sys.exit(run_script(__file__))

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import numpy as np
import pandas as pd
import typer

from detcam.audits.audit import audit
from detcam.audits.summary import summarise
from detcam.audits.table import read_table
from detcam.cli.console import tracked
from detcam.cli.reports import check_folders, print_markdown
from detcam.datasets.formats import read_data_set
from detcam.diagnosis.attention.shortcuts import CORNER_NAMES

NAMED = {"sound": None, "tall": "top edge too high", "marker": "context", "corner": "corners: {corner}",
         "left_half": "one side: left", "background": "spread", "hat": "top edge too high"}
EDGES = ("tall", "hat")  # whose boxes are wrong
COUNTS = (1, 2, 3, 5, 10, 15, 20, 30)


def main(
    rows: Annotated[Path, typer.Option(help="Parquet file of all audits: read if it is there, made otherwise.")],
    part: Annotated[str, typer.Option(help="Of the pictures: calibrate or report.")] = "calibrate",
    seeds: Annotated[list[int] | None, typer.Option("--seed", help="Of detectors; repeatable. None: 5 to 9.")] = None,
    pictures: Annotated[int, typer.Option(min=30, help="Pictures of an audit.")] = 100,
    draws: Annotated[int, typer.Option(min=1, help="Draws of so few pictures from each audit.")] = 4,
    first: Annotated[int, typer.Option(help="Where draws start from.")] = 0,
) -> None:
    """Print what brings wrong edges in, and how often so many photographs name the fault, and something else."""
    check_folders(rows)
    if not rows.exists():
        pd.concat(list(_audits(part, seeds or list(range(5, 10)), pictures)), ignore_index=True).to_parquet(rows)
    table = pd.read_parquet(rows)
    lines = "\n".join([*_edges(table), "", *_few(table, draws, np.random.default_rng(first))])
    print_markdown(lines)


def _audits(part: str, seeds: list[int], pictures: int) -> Iterator[pd.DataFrame]:
    from detcam.evaluation.planted_faults.training import corner_of
    from detcam.evaluation.planted_faults.zoo import audit_folder, detector_of

    jobs = [(kind, seed) for kind in NAMED for seed in seeds]
    for kind, seed in tracked(jobs, "audits"):
        with tempfile.TemporaryDirectory() as folder:
            data = read_data_set(audit_folder(kind, seed, pictures, part, Path(folder) / "pictures"))
            out = Path(folder) / "audit"
            audit(detector_of(kind, seed), data, out, classes=["person"], edges=True, intervene=True, heatmaps=False)
            name = NAMED[kind]
            yield read_table(out).assign(kind_of=kind, seed=seed, fault="" if name is None else name.format(
                corner=CORNER_NAMES[corner_of(seed)]))


def _edges(table: pd.DataFrame) -> Iterator[str]:
    """Of top edges that lie too high, how much of their pull lies beyond the true edge, and what hiding it does."""
    yield ("| detector | top edges too high by | of their pull beyond the true edge | hidden, they come in by | lower "
           "end over error | pulled |")
    yield "| --- | --- | --- | --- | --- | --- |"
    for (kind, seed), own in table[table.kind_of.isin(EDGES)].groupby(["kind_of", "seed"]):
        summary = summarise(own, own.photograph.nunique())
        line = next(each for each in summary["edges"] if each["edge"] == "top")
        found = next((each["pulled"] for each in summary["findings"] if each.get("edge") == "top"), None)
        extra, outward = line["extra_inward"], line["outward"]["value"]
        yield (f"| {kind}, {seed} | {outward:.1%} | {line['pull_beyond']['value']:.0%} | {extra['value']:.1%} "
               f"[{extra['low']:.1%}, {extra['high']:.1%}] of {extra['n']} | {extra['low'] / outward:.2f} | {found} |")


def _few(table: pd.DataFrame, draws: int, random: np.random.Generator) -> Iterator[str]:
    kinds = list(dict.fromkeys(table.kind_of))
    yield f"| photographs | {' | '.join(kinds)} |"
    yield "| --- |" + " --- |" * len(kinds)
    for count in COUNTS:
        cells = []
        for kind in kinds:
            found = [_named(own, count, random) for _, own in table[table.kind_of == kind].groupby("seed")
                     for _ in range(draws)]
            right, wrong = np.mean(found, 0)
            cells.append(f"{wrong:.0%}" if kind == "sound" else f"{right:.0%}, {wrong:.0%}")
        yield f"| {count} | {' | '.join(cells)} |"


def _named(table: pd.DataFrame, count: int, random: np.random.Generator) -> tuple[bool, bool]:
    """Whether so many of an audit's photographs name the fault, and something else; those with boxes on objects."""
    known = table.photograph[table.true_object.notna()].unique()
    own = table[table.photograph.isin(random.choice(known, count, replace=False))]
    names = {each["name"] for each in summarise(own, count, fewest=1)["findings"]}
    fault = table.fault.iloc[0]
    return fault in names, bool(names - {fault})
