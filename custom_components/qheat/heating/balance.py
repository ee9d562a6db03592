"""What a room loses and what the sun brings, by the energy balance of its days."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from .history import Day
from .matrices import dot, solve
from .model import USUAL_GAINS_W_PER_W_K, RoomModel

DAY_NOISE: Final = 2.0
DAY_NOISE_DAYS: Final = 5.0
"""How far a day usually is off, in W per W/K of usual loss; that counts as so many days."""
LOSS_SPREAD: Final = 0.35
SUN_SPREAD: Final = 1.5
GAINS_SPREAD: Final = 1.25
"""Spreads of the daily balance: shares of the usual value, and W per W/K of usual loss."""
SUN_ERROR: Final = 0.3
"""Share by which a forecast of a day's sun is usually wrong."""
BALANCE_ROUNDS: Final = 4
FORGET: Final = 0.97
"""What a day counts of the day after it: rooms change."""


def balance(usual: RoomModel, days: Sequence[Day]) -> RoomModel:
    """Return the usual room with the loss and the sun that the days' energy balance tells.

    Heat = loss x temperature difference - opening x sun - gains: a Bayesian linear regression.
    How far the days scatter is learned with it: where much sun comes in they say less. The sun is
    known from a forecast only; taken as exact it would explain too little, and the loss as well.
    """
    if not days:
        return usual
    scale = usual.loss_w_k
    gains_w = USUAL_GAINS_W_PER_W_K * scale
    prior = (usual.loss_w_k, usual.sun_m2, gains_w)
    spread = (LOSS_SPREAD * scale, SUN_SPREAD * usual.sun_m2, GAINS_SPREAD * scale)
    trust = [FORGET ** (age / 2) for age in reversed(range(len(days)))]
    rows = [
        (share * day.warmer_k, -share * day.sun_w_m2, -share)
        for share, day in zip(trust, days, strict=True)
    ]
    surplus_w = [
        share * day.heat_w - dot(row, prior)
        for share, day, row in zip(trust, days, rows, strict=True)
    ]
    columns = list(zip(*rows, strict=True))
    products = [[dot(left, right) for right in columns] for left in columns]
    variance = (DAY_NOISE * scale) ** 2
    for _ in range(BALANCE_ROUNDS):
        normal = [[products[i][j] / variance for j in range(3)] for i in range(3)]
        for i in range(3):
            normal[i][i] += 1 / spread[i] ** 2
        # No more than half of what the days say of the sun alone.
        doubt = min(
            SUN_ERROR**2 / (1 + SUN_ERROR**2) * products[1][1] / variance,
            0.5 / solve(normal, [0.0, 1.0, 0.0])[1],
        )
        normal[1][1] -= doubt
        right = [dot(column, surplus_w) / variance for column in columns]
        right[1] += doubt * prior[1]
        change = solve(normal, right)
        rest = [w - dot(row, change) for w, row in zip(surplus_w, rows, strict=True)]
        scatter = DAY_NOISE_DAYS * (DAY_NOISE * scale) ** 2 + dot(rest, rest)
        variance = scatter / (DAY_NOISE_DAYS + products[2][2])
    loss, sun, _ = change
    return replace(
        usual,
        loss_w_k=min(max(usual.loss_w_k + loss, 0.2 * usual.loss_w_k), 4 * usual.loss_w_k),
        sun_m2=min(max(usual.sun_m2 + sun, 0.05 * usual.sun_m2), 6 * usual.sun_m2),
    )
