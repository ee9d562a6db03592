"""The fault test: every party killed, cut off, out of disk and out of time; `scripts/chaos`."""
