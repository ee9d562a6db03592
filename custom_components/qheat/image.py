"""Image platform of the qheat integration: the picture that the radiators compute."""
