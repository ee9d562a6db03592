"""What every test shares."""

# Imported first: else the test plugin's own `custom_components` package hides ours.
from custom_components.qheat.const import DOMAIN as DOMAIN
