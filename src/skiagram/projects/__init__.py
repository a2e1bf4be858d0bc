"""A project in a folder of one's own.

A folder becomes a project with its files, and a stage's outputs are published whole or not at all;
no output but `data/code/options` holds a path, none a time or a host.
"""
