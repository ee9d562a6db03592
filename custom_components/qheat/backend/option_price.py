"""Jobs that price options by Monte-Carlo, and what mathematics says their price must be.

An arithmetic-average Asian option has no closed form, but lies between that of its geometric twin
(the geometric mean never exceeds the arithmetic one) and the mean of Europeans at its dates (the
payoff is convex). With a single date it is a European one, and both are Black and Scholes' price.
"""

import math
from dataclasses import dataclass
from statistics import NormalDist

from .fields import FieldsError, read_numbers, read_words, write_fields

DATES = 52
_SPOT = 100.0
_RATE = 0.03
_STRIKES = (100, 90, 110, 80, 120)
_VOLATILITIES = (0.2, 0.3, 0.15, 0.4)
_YEARS = (1.0, 0.5, 2.0, 0.25)
_PATHS = {"asian": 20_000_000, "european": 500_000_000}
_KEYS = ("price", "error")
_TOLERANCE = 6.0
"""Standard errors by which a price may miss: by chance, once in 500 million honest jobs."""
_ROUNDING = 1e-9
_NORMAL = NormalDist()


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """An option on a share; money in units of the share's currency, `years` until expiry."""

    right: str
    spot: float
    strike: float
    rate: float
    volatility: float
    years: float
    steps: int


def make(number: int) -> bytes:
    """Return the input of the pricing job with this number, from 0 on."""
    style = "european" if number % 4 == 3 else "asian"
    right = ("call", "put")[number // 4 % 2]
    strike = _STRIKES[number % len(_STRIKES)]
    volatility = _VOLATILITIES[number // 5 % len(_VOLATILITIES)]
    years = _YEARS[number // 20 % len(_YEARS)]
    return write_fields(
        [
            ("style", style),
            ("right", right),
            ("spot", _SPOT),
            ("strike", strike),
            ("rate", _RATE),
            ("volatility", volatility),
            ("years", years),
            ("steps", DATES if style == "asian" else 1),
            ("paths", _PATHS[style]),
            ("seed", number),
        ]
    )


def check(input_data: bytes, output: bytes) -> str | None:
    """Return why this output cannot be the price, or None if it can."""
    try:
        numbers = read_numbers(output, _KEYS)
    except FieldsError as error:
        return str(error)
    price, spread = numbers["price"], numbers["error"]
    option, paths = _option(input_data), int(read_words(input_data)["paths"][0])
    if not 0.0 < spread <= _widest_payoff(option) / math.sqrt(paths / 2):
        return "no such standard error comes from so many paths"
    low, high = price_bounds(option)
    margin = _TOLERANCE * spread + _ROUNDING * option.spot
    if not low - margin <= price <= high + margin:
        return f"price {price:.6g} is not between {low:.6g} and {high:.6g}"
    return None


def price(output: bytes) -> float:
    """Return the price that an accepted output has, in units of the option's own money."""
    return read_numbers(output, _KEYS)["price"]


def price_bounds(option: Option) -> tuple[float, float]:
    """Return the lowest and highest price that the option can have, equal for one date."""
    dates = [option.years * (step + 1) / option.steps for step in range(option.steps)]
    low = _geometric_call(option, dates)
    high = math.fsum(_discounted_call(option, date) for date in dates) / len(dates)
    if option.right == "put":
        parity = _discount(option) * (_mean_forward(option, dates) - option.strike)
        return max(low - parity, 0.0), high - parity
    return low, high


def _option(input_data: bytes) -> Option:
    words = {key: values[0] for key, values in read_words(input_data).items()}
    return Option(
        right=words["right"],
        spot=float(words["spot"]),
        strike=float(words["strike"]),
        rate=float(words["rate"]),
        volatility=float(words["volatility"]),
        years=float(words["years"]),
        steps=int(words["steps"]),
    )


def _black(forward: float, strike: float, deviation: float) -> float:
    """Mean of what a log-normal value with this mean and log deviation exceeds the strike by."""
    above = math.log(forward / strike) / deviation + deviation / 2
    return forward * _NORMAL.cdf(above) - strike * _NORMAL.cdf(above - deviation)


def _discount(option: Option) -> float:
    return math.exp(-option.rate * option.years)


def _mean_forward(option: Option, dates: list[float]) -> float:
    return option.spot * math.fsum(math.exp(option.rate * date) for date in dates) / len(dates)


def _discounted_call(option: Option, date: float) -> float:
    forward = option.spot * math.exp(option.rate * date)
    return _discount(option) * _black(forward, option.strike, option.volatility * math.sqrt(date))


def _geometric_call(option: Option, dates: list[float]) -> float:
    """Price of the call on the geometric mean: a log-normal variable, so in closed form."""
    count = len(dates)
    covariance = math.fsum((2 * (count - step) - 1) * date for step, date in enumerate(dates))
    deviation = option.volatility * math.sqrt(covariance) / count
    drift = (option.rate - option.volatility**2 / 2) * math.fsum(dates) / count
    forward = option.spot * math.exp(drift + deviation**2 / 2)
    return _discount(option) * _black(forward, option.strike, deviation)


def _widest_payoff(option: Option) -> float:
    """Bound on the standard deviation of the discounted payoff: its root mean square."""
    call = option.spot * math.exp((option.rate + option.volatility**2 / 2) * option.years)
    return call if option.right == "call" else option.strike
