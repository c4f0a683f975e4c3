"""What a script measured: a table on the terminal, the same as Markdown, and every row as JSON."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from detcam.errors import OutputError, printable

Line = Sequence[str]


@dataclass(frozen=True)
class ReportOptions:
    """Files that a script writes its results to."""

    json_file: Annotated[Path | None, typer.Option("--json", help="Write every row to this JSON file.")] = None
    markdown: Annotated[Path | None, typer.Option(help="Write the table as Markdown to this file.")] = None

    def check(self) -> None:
        """See that the files can be written before anything is measured: :func:`check_folders`."""
        check_folders(self.json_file, self.markdown)

    def write(self, lines: Sequence[Line], content: dict[str, Any] | None = None) -> None:
        """Write the table and the rows to the files that were asked for.

        Raises:
            OutputError: a file cannot be written.
        """
        if self.markdown is not None:
            write_text(self.markdown, markdown_table(lines))
            print(printable(f"table: {self.markdown}"))
        if self.json_file is not None and content is not None:
            write_text(self.json_file, json.dumps(content, indent=1) + "\n")
            print(printable(f"rows: {self.json_file}"))


def check_folders(*paths: Path | None) -> None:
    """See that the folders of some files exist.

    Raises:
        OutputError: one does not.
    """
    for path in paths:
        if path is not None and not path.resolve().parent.is_dir():
            raise OutputError(f"{path}: its folder does not exist; make it first")


def write_text(path: Path, text: str) -> None:
    """Write a text file whole or not at all.

    Raises:
        OutputError: it cannot be written.
    """
    from detcam.store.files import written_whole

    with written_whole(path) as file:
        file.write(text.encode())


def print_lines(lines: Sequence[Line], title: str = "", caption: str = "", numbers: bool = False) -> None:
    """Print a table.

    Args:
        lines: the heading and the rows, a cell a column.
        title, caption: above and below it.
        numbers: columns after the first are numbers, which stand to the right.
    """
    from rich.console import Console
    from rich.table import Table

    heading, *body = lines
    table = Table(title=title or None, caption=caption or None)
    for index, column in enumerate(heading):
        table.add_column(column, justify="right" if numbers and index else "left", overflow="fold", no_wrap=numbers)
    for line in body:
        table.add_row(*line)
    Console().print(table)


def print_markdown(text: str) -> None:
    """Print Markdown as it is."""
    from rich.console import Console

    Console().print(text, soft_wrap=True, highlight=False, markup=False)


def markdown_table(lines: Sequence[Line]) -> str:
    """A heading and rows as a Markdown table."""
    heading, *body = lines
    cells = [heading, ("---",) * len(heading), *body]
    return "".join(f"| {' | '.join(word.replace('|', chr(92) + '|') for word in line)} |\n" for line in cells)


def plain(value: Any, digits: int) -> Any:
    """JSON's own kinds: floats with so many decimals, and None for what does not exist, since JSON knows no NaN."""
    if isinstance(value, float):
        return round(value, digits) if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: plain(each, digits) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(each, digits) for each in value]
    return value
