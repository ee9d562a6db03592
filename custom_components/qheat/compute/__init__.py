"""Watts to jobs: the engine contract and the engines that fulfil it."""
