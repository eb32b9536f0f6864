"""Muster's activation: lands input, runs the steps of a batch, and delivers what SQL decided."""

__version__ = "0.1.0"
