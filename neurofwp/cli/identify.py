"""`neurofwp identify`: which rule moved these weights, of a recording or of a run."""

from __future__ import annotations

import json
import logging
import warnings
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import tyro

from neurofwp.cli import catalogue, output
from neurofwp.cli.manifest import Manifest
from neurofwp.errors import InputError, unknown

if TYPE_CHECKING:
    import xarray as xr

    from neurofwp.identification.given import Given

log = logging.getLogger("neurofwp")

FITS = "fits.nc"
VERDICT = "verdict.json"
DESCRIPTION = """Which rule moved these weights? Every rule is fitted to some episodes and judged on others.

FILE is a NetCDF file with the variables key, value and weight; a folder with these as CSV or NPY files; or the result
of a run. Where weights are latent, query and recall, the answers to the queries, may stand in for weight.
docs/command-line.md says what is in them."""


@dataclass(frozen=True)
class _Identify:
    file: Annotated[tyro.conf.Positional[Path], tyro.conf.arg(metavar="FILE")]
    """A NetCDF file, a folder of CSV or NPY files, or a results folder."""
    units: Annotated[str | None, tyro.conf.arg(metavar="UNIT", help_behavior_hint="(default: what FILE says)")] = None
    """Unit of the weights or answers, like nS; 1 where they have none."""
    noise: Annotated[float | None, tyro.conf.arg(metavar="SD", help_behavior_hint="(default: what FILE says)")] = None
    """Without a repeat: standard deviation of each weight's own measurement error, in the weights' unit."""
    observed: Annotated[
        Literal["weights", "reads"] | None, tyro.conf.arg(help_behavior_hint="(default: weights, if FILE has them)")
    ] = None
    """What the rules explain: weights, or the answers to queries, with weights latent."""
    split_by: Literal["episode", "post", "time"] = "episode"
    """What is fitted and what judges: other episodes, other postsynaptic cells, or a later time."""
    unit_keys: tyro.conf.FlagCreatePairsOff[bool] = False
    """Divide keys by their norms. With neither flag: as the run did, and yes where nothing says."""
    no_unit_keys: tyro.conf.FlagCreatePairsOff[bool] = False
    """Take keys as they are: the size of a key counts."""
    initial: Literal["given", "first"] = "given"
    """Weights before the first event: those given (0 where none are), or the first that were seen."""
    rules: Annotated[tuple[str, ...], tyro.conf.arg(metavar="RULE", help_behavior_hint="(default: all)")] = ()
    """Rules that compete; `neurofwp list rules` shows all."""
    references: bool = True
    """Fit flexible rules beside the named ones, to say what a rule of their signals could explain."""
    seed: int = 0
    """Seed of random starts and resamples."""
    device: Literal["auto", "cpu", "cuda"] = "auto"
    """Where tensors live; auto takes a GPU where there is one."""
    out: Annotated[
        Path | None, tyro.conf.arg(metavar="DIR", help_behavior_hint="(default: results/identify-NAME of the file)")
    ] = None
    """Folder for verdict, tables and figures."""
    fresh: bool = False
    """Fit again, although the folder holds this verdict."""
    overwrite: bool = False
    """Replace a verdict of other settings, weights or code in the folder."""
    pdf: bool = False
    """Write each figure as PDF too."""


def main(words: list[str]) -> int:
    """Weights of a file, from the command line."""
    given = tyro.cli(_Identify, prog="neurofwp identify", description=DESCRIPTION, args=words)
    _check(given)
    from neurofwp.identification.given import read  # brings xarray
    from neurofwp.runtime import files

    folder = given.out or _default_folder(given.file)
    manifest = _manifest(folder, given)
    if not given.fresh and manifest.is_complete():
        print(files.read_json(folder / VERDICT)["sentence"])
        manifest.say_complete()
        return 0
    with output.results_folder(manifest, overwrite=given.overwrite, fresh=given.fresh):
        recording = read(given.file, units=given.units)
        fits = _identify(recording, given)
        manifest.confirm()
        names = _write(fits, folder)
        drawn = _draw(fits, folder, given.pdf)
        if drawn is not None:
            manifest.finish([*names, *drawn])
    print(folder, flush=True)
    return 1 if drawn is None else 0


def _manifest(folder: Path, given: _Identify) -> Manifest:
    """What makes this verdict this verdict; the key covers every file of the recording."""
    from neurofwp.cli import results
    from neurofwp.runtime import files, store

    left_out = ("seed", "device", "out", "fresh", "overwrite", "pdf")
    flags = {name: value for name, value in asdict(given).items() if name not in left_out}
    settings = json.loads(json.dumps(flags, default=str))
    about = {"command": "identify", "settings": settings, "seed": given.seed, "device": output.device(given.device)}
    result = given.file / files.RESULT
    read = [result] if result.is_file() else sorted(given.file.glob("*.*")) if given.file.is_dir() else [given.file]
    recording = {path.name: path for path in read if path.suffix in (".nc", ".npy", ".csv") or path == given.file}
    return Manifest(folder, about, (FITS, VERDICT, results.SUMMARY), store.key(about, recording))


def _check(given: _Identify) -> None:
    """Refuse flags that cannot be, before anything is imported for them."""
    if given.unit_keys and given.no_unit_keys:
        raise InputError("keys are divided by their norms or not: give one of --unit-keys and --no-unit-keys")
    if given.noise is not None and not given.noise > 0:
        raise InputError(f"noise must be above 0, in the weights' unit, but is {given.noise:g}")
    known = catalogue.rules() if given.rules else {}
    for rule in given.rules:
        if rule not in known:
            raise unknown("rule", rule, known)


def _default_folder(file: Path) -> Path:
    """results/identify-NAME, by the name of the recording, or of the folder of a run."""
    named = file.resolve().parent if file.name == "result.nc" else file.resolve()
    return Path("results", f"identify-{named.stem}")


def _identify(recording: Given, given: _Identify) -> xr.Dataset:
    from neurofwp import trace
    from neurofwp.identification import identify

    trace.only_condition(recording.program, recording.trace)
    observed = given.observed or recording.observed
    weight, seen = recording.trace["weight"], recording.trace["recall" if observed == "reads" else "weight"]
    log.info(
        "%s: %s, %s in %s, %s",
        *(given.file, ", ".join(f"{dim} {size}" for dim, size in weight.sizes.items())),
        *("answers" if observed == "reads" else "weights", seen.attrs["units"]),
        "with a repeat" if recording.repeat is not None else "without a repeat",
    )
    if recording.repeat is not None and given.noise is not None:
        raise InputError("the recording has a repeat, which says how large the noise is: leave out --noise")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", UserWarning)
        fits: xr.Dataset = identify(
            recording.program,
            recording.trace,
            given.rules or None,
            repeat=recording.repeat,
            noise=None if recording.repeat is not None else given.noise or recording.noise,
            observed=observed,
            split_by=given.split_by,
            unit_keys=True if given.unit_keys else False if given.no_unit_keys else None,
            initial=given.initial,
            references=given.references,
            seed=given.seed,
            device=output.device(given.device),
        )
    for message in dict.fromkeys(str(warning.message) for warning in caught):
        log.warning("%s", message.replace("unit_keys=False", "--no-unit-keys"))
    return fits


def _write(fits: xr.Dataset, folder: Path) -> list[str]:
    """Fits, verdict, tables and summary; the sentence of the verdict and the tables on the terminal. Names of files."""
    import xarray as xr
    from rich.console import Console

    from neurofwp.cli import printing, results
    from neurofwp.runtime import files
    from neurofwp.runtime.tables import flat

    print(fits["sentence"].item(), flush=True)
    files.write_netcdf(fits, folder / FITS)
    files.write_json(verdict(fits), folder / VERDICT)
    made = tables(fits)
    files.write_json(flat(made), folder / results.SUMMARY)
    shown = {name: table for name, table in made.items() if name != "summary"}
    printing.write(shown, folder, excerpts=False)
    console = Console()
    for table in (*printing.rules(xr.DataTree.from_dict({"/fits": fits})), printing.parameters(fits)):
        console.print(table)
    return [FITS, VERDICT, results.SUMMARY, *(f"{name}.csv" for name in shown)]


def verdict(fits: xr.Dataset) -> dict[str, Any]:
    """The verdict as JSON: of each rule that it names, every parameter with its 95 % interval."""
    from neurofwp import identification

    said = identification.verdict(fits)
    named = fits["parameter_value"].sel(rule=list(said.rules))
    parameters = {
        str(rule): {
            str(name): {
                key: fits[f"parameter_{key}"].sel(rule=rule, parameter=name).item() for key in ("value", "low", "high")
            }
            for name in own["parameter"].values[own.notnull().values]
        }
        for rule, own in zip(named["rule"].values, named, strict=True)
    }
    return {
        "verdict": said.kind,
        "sentence": said.sentence,
        "rules": list(said.rules),
        "unexplained": said.unexplained,
        "unexplained_low": said.low,
        "unexplained_high": said.high,
        "adequacy": fits.attrs["adequacy"],
        "parameters": parameters,
    }


def tables(fits: xr.Dataset) -> Mapping[str, xr.Dataset]:
    """What was decided; scores of rules, and of nulls and references beside them; parameters of the best rules."""
    from neurofwp.identification import ceiling_table, score_table

    best = fits.isel(rule=fits["best"].values)
    named = best[["parameter_value", "parameter_low", "parameter_high"]].dropna("parameter", how="all")
    parameters = named.rename({name: str(name).removeprefix("parameter_") for name in named.data_vars})
    return {
        "summary": fits[["verdict", "sentence"]],
        "rules": score_table(fits).assign(
            best=fits["best"], train_r2=fits["train_r2"], n_parameters=fits["n_parameters"]
        ),
        "models": fits[["unexplained", "unexplained_low", "unexplained_high"]],
        "noise_ceiling": ceiling_table(fits),
        "parameters": parameters,
    }


def _draw(fits: xr.Dataset, folder: Path, pdf: bool) -> list[str] | None:
    """Draw the figure; names of its files, None if it could not be drawn."""
    from neurofwp.cli import figures
    from neurofwp.plots import rule_bars

    names: list[str] = []
    drawn = figures.attempt(
        lambda: names.extend(path.name for path in figures.save(rule_bars(fits), folder, "rule_bars", pdf=pdf)),
        "the figure",
        "the fits are safe; log.txt has the traceback",
    )
    return names if drawn else None
