"""The embedded job backend: the job API over HTTP, kept in SQLite."""
