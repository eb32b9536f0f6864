"""Scores that need a fit: parameters of probability models, fitted here, landed, and joined by SQL."""
