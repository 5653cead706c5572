"""Runnable recipes of the repository; not part of the installed package."""
