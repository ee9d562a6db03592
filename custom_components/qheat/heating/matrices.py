"""As much linear algebra as a room takes: plain sequences, for matrices of ten by ten."""

import math
from collections.abc import Sequence

type Vector = Sequence[float]
type Matrix = Sequence[Vector]


def dot(left: Vector, right: Vector) -> float:
    """Return the sum of products."""
    return math.sumprod(left, right)


def multiply(left: Matrix, right: Matrix) -> list[list[float]]:
    """Return the product of two matrices."""
    columns = list(zip(*right, strict=True))
    return [[dot(row, column) for column in columns] for row in left]


def exponential(matrix: Matrix) -> list[list[float]]:
    """Return the exponential of a matrix: Taylor's series, scaled and squared."""
    size = len(matrix)
    norm = max(sum(map(abs, row)) for row in matrix)
    squarings = max(0, math.ceil(math.log2(max(norm, 1e-9) / 0.25)))
    scaled = [[value / 2**squarings for value in row] for row in matrix]
    result = [[float(i == j) for j in range(size)] for i in range(size)]
    term = result
    for order in range(1, 9):
        term = [[value / order for value in row] for row in multiply(term, scaled)]
        result = [
            [a + b for a, b in zip(row, more, strict=True)]
            for row, more in zip(result, term, strict=True)
        ]
    for _ in range(squarings):
        result = multiply(result, result)
    return result


def cholesky(matrix: Matrix) -> list[list[float]]:
    """Return the lower triangle that times its transpose is a positive definite matrix."""
    size = len(matrix)
    lower = [[0.0] * size for _ in range(size)]
    for i in range(size):
        for j in range(i + 1):
            rest = matrix[i][j] - dot(lower[i][:j], lower[j][:j])
            # Rounding must not make a pivot negative.
            pivot = max(rest, 1e-12 * matrix[i][i])
            lower[i][j] = math.sqrt(pivot) if i == j else rest / lower[j][j]
    return lower


def solve(matrix: Matrix, right: Vector) -> Vector:
    """Solve a symmetric positive definite system."""
    size, lower = len(matrix), cholesky(matrix)
    forward: list[float] = []
    for i in range(size):
        done = dot(lower[i][:i], forward)
        forward.append((right[i] - done) / lower[i][i])
    result = [0.0] * size
    for i in reversed(range(size)):
        done = sum(lower[j][i] * result[j] for j in range(i + 1, size))
        result[i] = (forward[i] - done) / lower[i][i]
    return result
