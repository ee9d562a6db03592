"""A real Home Assistant with a qheat home in it, on this machine only."""
