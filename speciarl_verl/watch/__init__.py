"""Watches a training from its files: verl's metrics as they grow, its log, the judged rollouts. No verl, no torch."""
