"""The Hydra presets (folder `speciarl/`), the typed form of our node, and the checks made before training."""
