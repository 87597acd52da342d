"""The configuration: read with file and line, checked before anything is polled, secrets by reference only."""

from billsync.config.accounts import AccountConfig, build_options
from billsync.config.load import Config, load
from billsync.config.resolve import resolve
from billsync.config.secrets import Secrets

__all__ = ["AccountConfig", "Config", "Secrets", "build_options", "load", "resolve"]
