"""billsync joins finished work to the books: it bills what is done, exactly once, and says why.

This module holds a version and imports nothing, so that `billsync --help` stays quick.
"""

__version__ = "0.1.0"
