"""What computing on this machine costs and how fast it is."""
