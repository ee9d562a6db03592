"""What a newcomer and a developer run."""
