"""Ctrl-C and SIGTERM: an orderly end within two seconds, whatever is at work.

Both become a `KeyboardInterrupt` in the main thread, so that everything on the way out cleans up. Code that does not
return to Python in time is left: then this process ends at once, and what it started is ended for it
(`runtime.children`).
"""

from __future__ import annotations

import atexit
import contextlib
import os
import signal
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NoReturn

PATIENCE = 1.0  # seconds for an orderly end
CODES = {signal.SIGINT: 130, signal.SIGTERM: 143}

_hints: list[str] = []  # how to resume what is at work, the innermost last
_came: list[KeyboardInterrupt] = []  # the first signal
_said: list[int] = []  # exit codes that were told
_watching: list[tuple[int, dict[int, Any]]] = []  # the pipe that is told of signals, and what handled them before


class Terminated(KeyboardInterrupt):
    """SIGTERM."""


@contextmanager
def resumed_by(hint: str) -> Iterator[None]:
    """While this lasts, say this to whoever interrupts: a sentence that tells how to resume."""
    _hints.append(hint)
    yield
    _hints.pop()  # after an interrupt it stays, to be said


def say(code: int) -> int:
    """Tell on standard error that the command was interrupted, in one line, and return the exit code."""
    _said.append(code)
    word = "interrupted" if code == CODES[signal.SIGINT] else "terminated"
    with contextlib.suppress(OSError):
        print(f"neurofwp: {word}; {_hints[-1] if _hints else 'no half-written file is left behind'}", file=sys.stderr)
    return code


def end(code: int, *, alone: bool) -> int:
    """Say that the command was interrupted, and return the exit code; or end the process, where it does nothing else.

    Not by way of Python's own end: there, an interrupt of code in a string, as dataclasses are made of, kills the
    process although it was caught.
    """
    say(code)
    if alone:
        with contextlib.suppress(BaseException):
            leave(code)
        os._exit(code)
    return code


def leave(code: int) -> NoReturn:
    """End this process, which has nothing more to do; in Python's own end, a signal would kill it without a word."""
    _pass_over_others()
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            stream.flush()
    os._exit(code)


@contextmanager
def watch(*, alone: bool = False) -> Iterator[None]:
    """Let both signals end what is at work, in this process's main thread; elsewhere, nothing changes.

    alone : nothing but this is done in this process, which ends after a signal; what is done at its end counts too.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    _hints.clear()
    _said.clear()
    _came.clear()
    before: dict[int, Any] = {number: signal.getsignal(number) for number in CODES}
    if before[signal.SIGINT] is signal.SIG_IGN:  # as in a background job; Brian2 would call what was there before
        signal.signal(signal.SIGINT, _do_nothing)
    else:
        signal.signal(signal.SIGINT, _interrupt)
    signal.signal(signal.SIGTERM, _terminate)
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    told = signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    _watching.append((writing, before))
    done = threading.Event()
    threading.Thread(target=_follow, args=(reading, done), daemon=True).start()
    try:
        yield
    except Exception as error:  # of a library that took the interrupt for a failure of its own, as imports do
        if _came:
            raise _came[0] from error
        raise
    finally:
        if not (alone and signal.getsignal(signal.SIGTERM) is _pass_over):
            done.set()
        if _watching:  # which a fork does not
            _watching.pop()
            signal.set_wakeup_fd(told)
            os.close(writing)  # which ends the thread
            if (
                signal.getsignal(signal.SIGTERM) is not _pass_over
            ):  # else this process ends: a second signal is too much
                _restore(before)


def _restore(handlers: Mapping[int, Any]) -> None:
    for number, handler in handlers.items():
        if handler is not None:  # one that was not set from Python
            signal.signal(number, handler)


def _leave_to_parent() -> None:
    """In a fork, as user code may make one: signals do what they did before, and tell the parent nothing."""
    while _watching:
        writing, before = _watching.pop()
        signal.set_wakeup_fd(-1)
        os.close(writing)
        _restore(before)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_leave_to_parent)


def _follow(reading: int, done: threading.Event) -> None:
    """End this process where a signal has not, a while after it came."""
    with os.fdopen(reading, "rb", buffering=0) as stream:
        while number := stream.read(1):
            code = CODES.get(signal.Signals(number[0]))
            ignored = number[0] == signal.SIGINT and signal.getsignal(signal.SIGINT) is _do_nothing
            if code is not None and not ignored and not done.wait(PATIENCE):
                os._exit(code if _said else say(code))


def _interrupt(number: int, frame: Any) -> None:
    _pass_over_others()
    _came.append(KeyboardInterrupt())
    raise _came[0]


def _terminate(number: int, frame: Any) -> None:
    _pass_over_others()
    _came.append(Terminated())
    raise _came[0]


def _pass_over_others() -> None:
    """The first signal counts: a second one would break what cleans up."""
    for each in CODES:
        signal.signal(each, _pass_over)


def _pass_over(number: int, frame: Any) -> None:
    """Of a signal while this process ends already."""


def _do_nothing(number: int, frame: Any) -> None:
    """Of a signal that is ignored from the start; `_pass_over` is of one that comes after the first."""
