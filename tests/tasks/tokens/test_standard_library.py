"""Text of the standard library: files that do not overlap, windows that ask for every byte once, and n-gram bits."""

from __future__ import annotations

import math
import sysconfig
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from neurofwp.errors import InputError
from neurofwp.tasks.tokens import NOT_ASKED, standard_library as library


def test_no_file_is_in_two_splits_nor_twice_under_two_names() -> None:
    texts = {split: library.read_texts(split) for split in library.SPLITS}
    names = [name for own in library.FILES.values() for name in own]
    assert len(set(names)) == len(names)
    contents = [text for own in texts.values() for text in own.values()]
    assert len(set(contents)) == len(contents) == len(names)
    training = b"".join(texts["training"].values())
    for text in (*texts["test"].values(), *texts["validation"].values()):
        middle = len(text) // 2
        assert text[middle - 200 : middle + 200] not in training


def test_files_are_named_with_what_was_read() -> None:
    table = library.files_of({split: library.read_texts(split) for split in library.SPLITS})
    assert set(table["split"].values.tolist()) == set(library.SPLITS)
    content = (Path(sysconfig.get_path("stdlib")) / "json" / "decoder.py").read_bytes()
    here = table.sel(file="json/decoder.py")
    assert here["sha256"].item() == sha256(content).hexdigest()
    assert here["bytes"].item() == len(content)
    assert here["split"].item() == "test"


def test_a_library_without_source_is_named(tmp_path: Path) -> None:
    (tmp_path / "configparser.py").write_text("pass")
    with pytest.raises(InputError, match=r"source of Python's .* but 'gzip.py' is not there, nor are 4 others"):
        library.read_texts("validation", tmp_path)


@settings(max_examples=30)
@given(text=st.binary(min_size=2, max_size=60), length=st.integers(1, 20))
def test_every_byte_but_the_first_is_asked_once_behind_the_one_before(text: bytes, length: int) -> None:
    made = library.windows(np.frombuffer(text, dtype=np.uint8), length)
    token, target = (made[name].values.ravel() for name in ("token", "target"))
    asked = target != NOT_ASKED
    assert bytes(target[asked].tolist()) == text[1:]
    assert bytes(token[asked].tolist()) == text[:-1]
    assert made.sizes["event"] == length
    some = library.windows(np.frombuffer(text, dtype=np.uint8), length, most=3)
    assert some.sizes["window"] == min(3, made.sizes["window"])


def test_random_windows_are_of_the_text() -> None:
    text = np.random.default_rng(0).integers(256, size=50).astype(np.uint8)
    made = library.random_windows(text, 10, 200, seed=(1, 2))
    starts = set()
    for token, target in zip(made["token"].values, made["target"].values, strict=True):
        both = [*token.tolist(), int(target[-1])]
        assert both[1:] == target.tolist()
        starts.add(text.tobytes().find(bytes(both)))
    assert starts <= set(range(40))
    assert len(starts) > 30
    with pytest.raises(InputError, match="length must be below that of the text, 50 bytes, but is 50"):
        library.random_windows(text, 50, 1, seed=0)


def test_without_training_text_a_byte_takes_eight_bits() -> None:
    test = np.arange(100, dtype=np.uint8)
    for order in (1, 2):
        assert library.ngram_bits(test[:1], test, order) == pytest.approx(8)


def test_unigram_bits_of_independent_bytes_are_their_entropy() -> None:
    share = np.array([0.5, 0.25, 0.125, 0.125])
    training, test = np.random.default_rng(0).choice(4, p=share, size=(2, 100_000)).astype(np.uint8)
    for order in (1, 2):
        assert library.ngram_bits(training, test, order) == pytest.approx(1.75, abs=0.01)


def test_bigram_bits_of_a_chain_are_its_entropy_rate() -> None:
    """A byte comes again with probability 0.9: 0.469 bits, where bytes alone take one."""
    turns = np.random.default_rng(0).random((2, 100_000)) < 0.1
    training, test = (turns.cumsum(axis=1) % 2).astype(np.uint8)
    rate = -(0.9 * math.log2(0.9) + 0.1 * math.log2(0.1))
    assert library.ngram_bits(training, test, 2) == pytest.approx(rate, abs=0.01)
    assert library.ngram_bits(training, test, 1) == pytest.approx(1, abs=0.01)


def test_lines_that_training_has_too() -> None:
    known = b"    a line of some length here\n"
    training = {"a.py": b"x\na line of some length here\nreturn\n"}
    test = {"b.py": known + b"return\nanother line of its own length\n"}
    assert library.share_of_known_lines(training, test) == pytest.approx(len(known) / len(test["b.py"]))
