"""What things were called before: `renames.toml`, and how it is read."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path

FILE = Path(__file__).with_name("renames.toml")

Names = Mapping[str, tuple[str, ...]]  # former names by the new one
SUMMARY = re.compile(r"(experiments/([a-z-]+)[^/]*/summary/)(.*)")


@dataclass(frozen=True)
class Reshape:
    """Dims of the arrays whose keys match: `stack` become one, `into`, the last fastest."""

    keys: str
    stack: tuple[str, ...]
    into: str


@dataclass(frozen=True)
class Renames:
    """The map; see `renames.toml` for what each table is for."""

    objects: Names = field(default_factory=dict)
    settings: Names = field(default_factory=dict)
    words: Names = field(default_factory=dict)
    keys: Mapping[str, str] = field(default_factory=dict)
    summaries: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    reshape: tuple[Reshape, ...] = ()

    def of_object(self, name: str) -> list[str]:
        """All dotted names that an object may have, the newest first."""
        return _family(name, self.objects, dotted=True)

    def of_setting(self, name: str) -> list[str]:
        """All names that a setting or an argument may have, the newest first."""
        return _family(name, self.settings, dotted=False)

    def newest(self, key: str) -> str:
        """The key of an array, or a dim, as it would be called now."""
        for pattern, word in self._replacements:
            key = pattern.sub(word, key)
        for old, new in self.keys.items():
            key = re.sub(old, new, key)
        return self._of_summary(key)

    def _of_summary(self, key: str) -> str:
        """The key, if it is one of the summary of an experiment, by the first pattern that it matches as a whole."""
        if (parts := SUMMARY.fullmatch(key)) is None:
            return key
        for old, new in self.summaries.get(parts[2], {}).items():
            if found := re.fullmatch(old, parts[3]):
                return parts[1] + found.expand(new)
        return key

    def reshapes(self, key: str) -> Iterator[Reshape]:
        """What is to be done to the array of that key."""
        return (each for each in self.reshape if fnmatchcase(key, each.keys))

    @property
    def _replacements(self) -> list[tuple[re.Pattern[str], str]]:
        """Words by what they are replaced with, the longest first: a word ends where letters and digits do."""
        pairs = sorted(((old, new) for new, every in self.words.items() for old in every), key=lambda p: -len(p[0]))
        return [(_word(old), new) for old, new in pairs]


@cache
def _word(text: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![A-Za-z0-9]){re.escape(text)}(?![A-Za-z0-9])")


@cache
def load(path: Path = FILE) -> Renames:
    """The map in a file."""
    content = tomllib.loads(path.read_text(encoding="utf-8"))
    tables = {name: _names(content.get(name, {})) for name in ("objects", "settings", "words")}
    stacks = [Reshape(each["keys"], tuple(each["stack"]), each["into"]) for each in content.get("reshape", [])]
    keys, summaries = (content.get(name, {}) for name in ("keys", "summaries"))
    return Renames(**tables, keys=keys, summaries=summaries, reshape=tuple(stacks))


def _names(table: Mapping[str, str | list[str]]) -> Names:
    return {new: (old,) if isinstance(old, str) else tuple(old) for new, old in table.items()}


def _family(name: str, names: Names, *, dotted: bool) -> list[str]:
    """Everything that can be reached from a name by renaming, forwards and back, the most often renamed first."""
    ages = {name: 0}
    waiting = [name]
    while waiting:
        one = waiting.pop()
        steps = [(other, -1) for other in _swap(one, names, dotted, back=True)]
        steps += [(other, 1) for other in _swap(one, names, dotted, back=False)]
        for other, step in steps:
            if other not in ages:
                ages[other] = ages[one] + step
                waiting.append(other)
    return sorted(ages, key=lambda each: -ages[each])


def _swap(name: str, names: Names, dotted: bool, *, back: bool) -> Iterator[str]:
    """What a name becomes by one renaming of it, or of the modules that it begins with."""
    for new, every in names.items():
        for old in every:
            here, there = (new, old) if back else (old, new)
            if name == here or (dotted and name.startswith(f"{here}.")):
                yield there + name[len(here) :]
