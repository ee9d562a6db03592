"""What every test shares."""

# Imported first: else the test plugin's own `custom_components` package hides ours.
import custom_components.qheat.const  # noqa: F401
