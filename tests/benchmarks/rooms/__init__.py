"""Thermostats against each other, in rooms that are not our own."""
