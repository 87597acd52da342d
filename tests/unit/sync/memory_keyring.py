"""A keyring that lives as long as the process."""

from keyring.backend import KeyringBackend
from keyring.errors import PasswordSetError

ENTRIES: dict[tuple[str, str], str] = {}


class MemoryKeyring(KeyringBackend):
    priority = 1

    def get_password(self, service, username):
        return ENTRIES.get((service, username))

    def set_password(self, service, username, password):
        ENTRIES[service, username] = password

    def delete_password(self, service, username):
        del ENTRIES[service, username]


class FullKeyring(MemoryKeyring):
    def set_password(self, service, username, password):
        raise PasswordSetError("no room")
