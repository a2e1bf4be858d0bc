"""Compiling ahead reaches every kernel that a feature family calls."""

import importlib
import pkgutil

import pytest
from numba.core.dispatcher import Dispatcher

from skiagram import evaluation, features
from tests.pipeline import compile_loops

pytestmark = pytest.mark.slow


def test_no_kernel_is_left_for_the_first_test():
    compile_loops.main()
    for package in (evaluation, features):
        for found in pkgutil.iter_modules(package.__path__):
            module = importlib.import_module(f"{package.__name__}.{found.name}")
            for name, called in vars(module).items():
                if isinstance(called, Dispatcher) and called.py_func.__module__ != module.__name__:
                    # Empty signatures say nothing: a kernel read from disk brings its own along.
                    kept = getattr(called, "_cache")._cache_file  # noqa: B009 - Numba types it not
                    assert called.signatures or kept._load_index(), f"{found.name} calls {name}"
