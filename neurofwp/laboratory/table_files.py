"""Files with a table, as spreadsheets and papers leave them: text with any common separator, or an Excel workbook.

Text is read line by line with the csv module and not with pandas, whose lines have no numbers once comments are gone.
"""

from __future__ import annotations

import csv
import logging
import re
from importlib import resources
from pathlib import Path

from neurofwp.errors import InputError
from neurofwp.laboratory.table import Table, finite

log = logging.getLogger("neurofwp")

SEPARATORS = ",;\t| "
LOOKED_AT = 50  # lines from which the separator is found
COMMENT = "#"
WORKBOOK = b"PK\x03\x04"
# how other files begin, and what to do about them
OTHERS = {
    b"\xd0\xcf\x11\xe0": "a workbook of Excel 97-2003: save it as .xlsx or as CSV",
    b"%PDF": "a PDF: copy its table into a spreadsheet",
    b"\x89PNG": "an image: digitise its points first",
    b"\xff\xd8\xff": "an image: digitise its points first",
    b"\x1f\x8b": "compressed: unpack it",
    b"\x89HDF": "an HDF5 or MATLAB file: write its table as CSV",
    b"MATLAB": "a MATLAB file: write its table as CSV",
    b"{\\rtf": "a text with formats: save it as plain text",
}
COMMA, POINT = r"[+\-−–]?\d+,\d+(?:[eE][+\-]?\d+)?", r"[+\-−–]?\d*\.\d+(?:[eE][+\-]?\d+)?"


def find(source: str | Path) -> tuple[Path, str]:
    """The path of a file, or of a shipped one with that name, and how messages name it.

    Raises
    ------
    InputError
        if there is no such file.
    """
    shipped = Path(str(resources.files("neurofwp.data"))) / f"{source}.csv"
    path = shipped if shipped.is_file() else Path(source)
    if not path.is_file():
        names = ", ".join(sorted(file.stem for file in shipped.parent.glob("*.csv")))
        raise InputError(f"there is no file {str(source)!r}; measurements that come with neurofwp: {names}")
    return path, path.name if path is shipped else str(source)


def read_table(path: Path, name: str, sheet: str | None = None) -> Table:
    """The table of a file called `name` in messages; lines that begin with # are comments.

    Parameters
    ----------
    sheet : of a workbook; by default the first.

    Raises
    ------
    InputError
        if it is neither text nor a workbook of Excel, if it is empty, or if its first line names no columns.
    """
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise InputError(f"{name} cannot be read: {error}") from error
    for signature, what in OTHERS.items():
        if raw.startswith(signature):
            raise InputError(f"{name} is {what}")
    if raw.startswith(WORKBOOK):
        lines = _workbook_lines(path, name, sheet)
    elif sheet is not None:
        raise InputError(f"{name} is text, which has no sheet {sheet!r}: leave out `sheet`")
    else:
        lines = _text_lines(_decode(raw, name), name)
    lines = [(number, cells) for number, cells in lines if any(cells) and not cells[0].startswith(COMMENT)]
    if not lines:
        raise InputError(f"{name} is empty: its first line must name its columns, as in paired_recordings.csv")
    (first, header), *others = lines
    if all(finite(cell) is not None for cell in header if cell):
        raise InputError(
            f"{name}, line {first} has only numbers, but the first line that is no comment must name the columns"
        )
    while not header[-1] and all(not cells[-1] for _, cells in others if len(cells) == len(header)):
        others = [(number, cells[:-1] if len(cells) == len(header) else cells) for number, cells in others]
        header = header[:-1]
    return Table(name, tuple(header), tuple(others), first)


def _decode(raw: bytes, name: str) -> str:
    """Text in UTF-8 or UTF-16 with a mark, as Excel writes "Unicode text", or else as Windows writes western text."""
    if raw[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return raw.decode("utf-16", errors="replace")
    try:
        return raw.decode("utf-8-sig")  # spreadsheets begin a file with a mark
    except UnicodeDecodeError as error:
        try:
            text = raw.decode("cp1252")
        except UnicodeDecodeError:
            text = "\0"
        if any(letter < " " and letter not in "\t\r\n\f\v" for letter in text):
            raise InputError(f"{name} is not a CSV file in UTF-8: {error}") from error
        log.warning("%s is not in UTF-8: read as Windows-1252", name)
        return text


def _text_lines(text: str, name: str) -> list[tuple[int, list[str]]]:
    """Numbers and cells of all lines, of which comments are empty; with decimal points."""
    lines = ["" if line.lstrip().startswith(COMMENT) else line for line in text.splitlines()]
    separator = _separator([line for line in lines if line.strip()][:LOOKED_AT])
    reader = csv.reader(lines, delimiter=separator, strict=True, skipinitialspace=separator == " ")
    try:
        found = [(reader.line_num, [cell.strip() for cell in cells]) for cells in reader]
    except csv.Error as error:
        raise InputError(f"{name} is not a CSV file: {error} (line {reader.line_num})") from error
    return found if separator == "," else _decimal_points(found, name)


def _separator(lines: list[str]) -> str:
    """The separator of these lines: of those that give all lines the same cells, two or more, the one with the most."""
    counts = {
        each: [len(cells) for cells in csv.reader(lines, delimiter=each, skipinitialspace=each == " ")]
        for each in SEPARATORS
    }
    fits = {each: own[0] for each, own in counts.items() if own and own[0] > 1 and len(set(own)) == 1}
    if fits:
        return max(fits, key=lambda each: fits[each])
    return max(SEPARATORS[:-1], key=lambda each: counts[each][:1])  # the line that differs is named later


def _decimal_points(lines: list[tuple[int, list[str]]], name: str) -> list[tuple[int, list[str]]]:
    """The same with decimal points where numbers have commas.

    Raises
    ------
    InputError
        if some numbers have a comma and others a point, so that one of them may separate thousands.
    """
    words = [(number, word) for number, cells in lines for cell in cells for word in cell.split()]
    comma = next(((number, word) for number, word in words if re.fullmatch(COMMA, word)), None)
    if comma is None:
        return lines
    for number, word in words:
        if re.fullmatch(POINT, word):
            raise InputError(
                f"{name} has a comma in the number {comma[1]!r} (line {comma[0]}) and a point in {word!r} (line "
                f"{number}): write all numbers with the same decimal sign, and thousands without any"
            )
    return [
        (number, [" ".join(re.sub(f"^{COMMA}$", _point, word) for word in cell.split()) for cell in cells])
        for number, cells in lines
    ]


def _point(number: re.Match[str]) -> str:
    return number[0].replace(",", ".")


def _workbook_lines(path: Path, name: str, sheet: str | None) -> list[tuple[int, list[str]]]:
    """Numbers and cells of the lines of a sheet."""
    import pandas as pd

    try:
        sheets = pd.read_excel(path, sheet_name=None, header=None, dtype=str, na_filter=False, engine="openpyxl")
    except ImportError as error:
        raise InputError(
            f"{name} is an Excel workbook, for which openpyxl is needed: pip install neurofwp[excel], or save it as CSV"
        ) from error
    except Exception as error:  # whatever a broken file makes of it
        raise InputError(f"{name} is no Excel workbook that can be read: {error}") from error
    chosen = sheet if sheet is not None else next(iter(sheets))
    if chosen not in sheets:
        raise InputError(f"{name} has no sheet {chosen!r}; it has {', '.join(map(repr, sheets))}")
    if sheet is None and len(sheets) > 1:
        log.warning("%s: read the sheet %r of %d; `sheet` in its TOML file names another", name, chosen, len(sheets))
    table = sheets[chosen]
    return [
        (number, [str(cell).strip() for cell in cells])
        for number, cells in enumerate(table.itertuples(index=False, name=None), start=1)
    ]
