"""Processes of a training that start warm: what they all import is imported once, and they are forked from that.

forks.py      the server: imports, listens, forks, looks after what it forked
becoming.py   what makes a fork the process that was asked for
stand_in.py   stands for `python` in a command, and asks the server instead
"""
