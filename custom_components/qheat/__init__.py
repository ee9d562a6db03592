"""A thermostat whose burner is paid computing."""
