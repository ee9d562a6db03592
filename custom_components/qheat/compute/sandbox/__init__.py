"""What runs in the runner and worker processes: it imports nothing from outside this folder."""
