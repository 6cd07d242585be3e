"""How a stage's work is cut into batches."""

import pytest

from activities import api
from activities.outlining import FEW, batch_size

OPTIONS = api.Options(batch=25, window=4)


@pytest.mark.parametrize(
    ("number", "size"),
    [(1, FEW), (12, FEW), (49, 13), (100, 25), (110, 14), (499, 25), (1000, 25)],
)
def test_batches_that_run_side_by_side_end_together(number: int, size: int) -> None:
    """No lane is idle while another has a whole batch to go, and none is larger than asked for."""
    assert batch_size(number, OPTIONS) == size


@pytest.mark.parametrize("number", [20, 49, 77, 101, 260, 999])
def test_every_lane_has_as_many_batches_as_the_next(number: int) -> None:
    """Where there is enough to do, the number of batches fills whole rounds of the window."""
    size = batch_size(number, OPTIONS)
    batches = -(-number // size)
    rounds = -(-batches // OPTIONS.window)
    assert rounds * OPTIONS.window * OPTIONS.batch >= number
    assert rounds == -(-number // (OPTIONS.batch * OPTIONS.window))


def test_a_batch_of_one_stays_one() -> None:
    """Who asks for batches smaller than a few gets them."""
    assert batch_size(60, api.Options(batch=2, window=1)) == 2
