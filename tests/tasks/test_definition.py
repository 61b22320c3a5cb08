"""Task: a name, a function that draws, and what it is."""

from __future__ import annotations

import pytest
import xarray as xr

from neurofwp import tasks
from neurofwp.errors import InputError
from neurofwp.tasks import TASKS, Task


def test_shipped_tasks_are_found_by_name_and_say_what_they_are() -> None:
    assert len({task.name for task in TASKS}) == len(TASKS)
    for task in TASKS:
        assert tasks.REGISTRY.get(task.name) is task
        assert task.description
    drawn = tasks.REGISTRY.get("regression").draw(2, 3, 4, seed=0)
    assert isinstance(drawn, xr.Dataset)
    assert drawn.sizes["episode"] == 4


def test_a_task_is_described_by_the_docstring_of_what_draws_it() -> None:
    assert Task("own", tasks.regression).description == (tasks.regression.__doc__ or "").strip().splitlines()[0]


def test_what_is_no_task() -> None:
    with pytest.raises(InputError, match="a task needs a name"):
        Task("", tasks.regression)
    with pytest.raises(InputError, match=r"task 'own' needs a function draw\(..., seed\), not 3"):
        Task("own", 3)
    with pytest.raises(InputError, match="task 'own': draw must take a seed"):
        Task("own", len)
