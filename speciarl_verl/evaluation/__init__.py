"""Scoring predictions outside training."""
