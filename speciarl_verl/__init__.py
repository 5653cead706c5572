"""Specificity-aware rewards (SpeciaRL, arXiv 2603.03197) as a plugin for verl.

Importing the package costs nothing: torch, ray and verl are imported only by the modules that are verl's seams.
"""

__version__ = "0.1.0"
