"""A folder that the processes of one run of the tests share; see `trained`."""

import gc
import os
import shutil
import tempfile

SHARED = "DTN_TF_TESTS"  # variable of the environment: its path


# Two processes test at a time, each on one of two cores: more threads would take turns.
for _kind in ("INTRAOP", "INTEROP"):
    os.environ.setdefault(f"TF_NUM_{_kind}_THREADS", "1")


def pytest_configure(config):
    """Makes it, before the processes start that inherit the variable."""
    if SHARED not in os.environ:
        os.environ[SHARED] = tempfile.mkdtemp()
        config.add_cleanup(lambda: shutil.rmtree(os.environ.pop(SHARED), ignore_errors=True))


def pytest_collection_finish():
    """What is imported stays: looking through it for garbage takes a tenth of the time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 10, 10)
