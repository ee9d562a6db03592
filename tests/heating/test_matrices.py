import math

import pytest

from custom_components.qheat.heating.matrices import exponential, solve


def test_the_exponential_of_a_diagonal_is_that_of_its_numbers() -> None:
    result = exponential([[-3.0, 0.0], [0.0, 0.5]])
    assert result[0][0] == pytest.approx(math.exp(-3))
    assert result[1][1] == pytest.approx(math.exp(0.5))
    assert result[0][1] == 0


def test_a_linear_system_is_solved() -> None:
    assert solve([[4.0, 2.0], [2.0, 3.0]], [8.0, 7.0]) == pytest.approx([1.25, 1.5])
