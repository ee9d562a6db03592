"""Degrees to watts: rooms, the thermostat and its guards."""
