"""TOML that people write."""

import pytest

from neurofwp.errors import InputError
from neurofwp.runtime.toml import parse_toml


@pytest.mark.parametrize("content", [b"a = 1\nb = 2\n", b"\xef\xbb\xbfa = 1\nb = 2\n", b"a = 1\r\nb = 2\r\n"])
def test_files_of_any_editor(content: bytes) -> None:
    assert parse_toml(content, "mine.toml") == {"a": 1, "b": 2}


@pytest.mark.parametrize(
    "content",
    [b"a = ", b"a = \xff", b"a = " + b"9" * 5000, b"a = " + b"[" * 5000 + b"]" * 5000],
    ids=["no value", "no UTF-8", "digits", "brackets"],
)
def test_anything_else_is_refused_in_a_sentence(content: bytes) -> None:
    with pytest.raises(InputError, match=r"'mine.toml' is not TOML: ."):
        parse_toml(content, "mine.toml")
