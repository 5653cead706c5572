"""Entry point `verl.plugins`."""
