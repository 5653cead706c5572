"""Judges: (prediction, ground truth) -> one of the six categories, or an exception; never a made-up verdict."""
