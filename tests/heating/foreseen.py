"""How well a model foresees a day, for the tests of learning."""

from collections.abc import Sequence

from custom_components.qheat.heating.history import RECORDS_A_DAY, Record
from custom_components.qheat.heating.learn import AHEAD, _filtered, _foresee
from custom_components.qheat.heating.model import RoomModel


def foresight_k(model: RoomModel, records: Sequence[Record], noise_k: float) -> float:
    """Return how wrong (mean, in K) the last day would have been foreseen three hours before."""
    filtered = _filtered(model, records, noise_k)
    first = len(records) - RECORDS_A_DAY - 1
    foreseen = _foresee(model, filtered[first:], records[first:])
    errors = [abs(error_k) for ahead, error_k in foreseen if ahead == AHEAD]
    return sum(errors) / len(errors)
